"""Message bodies that are nearly right: columns of every type, values of every kind, and damage.

Everything comes from one random.Random, so that a round can be made again. What a person would call
the value of a message holds SENTINEL, in letters or in digits, so that it can be looked for.
"""

import random
import re
from dataclasses import dataclass

# No message of the server's and no log line may hold this.
LETTERS = "Qx7Zsecret"
DIGITS = "31415926"
SENTINEL = re.compile(rf"{LETTERS}|{DIGITS}", re.IGNORECASE)

# A column of each type: its definition, and JSON values that it takes in every encoding.
COLUMNS = {
    "tag": ("text NOT NULL", ['"a tag"', "12", "true", '{"a": 1}']),
    "txt": ("text", ['"plain"', '"\\u00e9 \\n"', "1.50", "[1, 2]", "false", '""', "null"]),
    "num": ("integer CHECK (num < 1000)", ["1", '" 12 "', "-7", "null"]),
    "small": ("smallint", ["1", '"-32768"']),
    "big": ("bigint", ["9223372036854775807", "-1"]),
    "price": ("numeric(6,2)", ["1234.56", '"0.1"', "1e2"]),
    "exact": ("numeric", ["1e400", '"NaN"', "0.1000000000000000055511151231257827"]),
    "single": ("real", ["0.5", '"-Infinity"']),
    "ratio": ("double precision", ["1e300", '"NaN"', "-0.0"]),
    "flag": ("boolean", ["true", "false", '"yes"', '"f"', "1"]),
    "day": ("date", ['"2024-02-29"', '"infinity"', '"300000-01-01"', '"4713-01-01 BC"']),
    "at_time": ("time", ['"12:34:56.789"', '"24:00"']),
    "at_zone": ("timetz", ['"12:34:56+02"']),
    "moment": ("timestamp(3)", ['"2024-01-01 00:00:00.123456"', '"-infinity"']),
    "instant": ("timestamptz", ['"2024-01-01T00:00:00Z"', '"2024-06-01 12:00 Europe/Berlin"']),
    "span": ("interval", ['"1 year 2 days"', '"P1Y2M"', '"-00:00:01"']),
    "note": ("varchar(5)", ['"five5"', '"  "', "12345"]),
    "code": ("char(3)", ['"abc"', '"a"', "123"]),
    "byte": ('"char"', ['"x"', "7"]),
    "label": ("name", ['"a_name"']),
    "doc": ("jsonb", ['{"a": [1, 2.50, "x"], "a": {}}', "[]", "1e10", '"text"', "true", "null"]),
    "raw": ("json", ['{"b" : 1}', '"text"', "0"]),
    "id": ("uuid", ['"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', '"{a0eebc999c0b4ef8bb6d6bb9bd380a11}"']),
    "address": ("inet", ['"1.2.3.4/24"', '"2001:db8::1"']),
    "network": ("cidr", ['"10.0.0.0/8"']),
    "card": ("macaddr", ['"08:00:2b:01:02:03"']),
    "bits": ("bytea", ['"\\\\x00ff"', '"abc"']),
    "mask": ("bit(4)", ['"1010"']),
    "flags": ("bit varying(8)", ['"1"', '"xff"']),
    "numbers": ("integer[]", ['"{1,2,NULL}"', '"{{1},{2}}"', '"{}"']),
    "words": ("text[]", ['"{a,\\"b c\\"}"']),
    "range": ("int4range", ['"[1,5)"', '"empty"']),
    "ranges": ("int8multirange", ['"{[1,2],[5,9)}"']),
    "kind": ("mood", ['"glad"', '"sad"']),
    "above": ("positive", ["1", '"2"']),
    "pair": ("point_in_time", ['"(1,x)"', '"(,)"']),
    "place": ("point", ['"(1,2)"']),
    "area": ("polygon", ['"((0,0),(0,1),(1,1))"']),
    "search": ("tsvector", ['"a fat cat"', "\"'a':1A\""]),
    "ask": ("tsquery", ['"fat & cat"']),
    "path": ("jsonpath", ['"$.a[*] ? (@ > 1)"']),
    "cost": ("money", ['"12.34"']),
    "lsn": ("pg_lsn", ['"16/B374D848"']),
    "page": ("xml", ['"<a>b</a>"', '"text"']),
}

# What a producer may put there by mistake, or to see what happens. {S} is a sentinel.
STRANGE = [
    "0", "-0", "1e400", "-1e400", "1e-400", "1E+2", "1e999999999", "9" * 400, "-" + "9" * 20,
    "0." + "1" * 300, "9223372036854775808", "2147483648", "32768", "1000", "{D}", "-{D}.5",
    "{D}e{D}", "0.{D}", '"{S}"', '"{D}"', '"{D}-02-31"', '"{S}-01-01"', '"24:00:{D}"',
    '"{D} years"', '"1.2.3.{D}"', '"NaN"', '"Infinity"', '"infinity"', '"1e400"', '"{S}\\u0000"',
    '"\\u0000{S}"', '"{S} \\ud83d\\ude00"', '"\\ud800{S}"', '"\\udc00"', '"\\ud800\\u0041"',
    '"€ {S}"', '"{S} é"', '"\\u20ac"', '"\U0001f600{S}"', '"\\"{S}\\\\"', '"{S}\\x"', '"{{S}"',
    '"{1,{S}}"', '"(1,2"', '"[{D},1]"', '"\\\\x{S}"', '"{S}   "', '"\x7f\u0080\u2028"',
    '"{S}\x01"', "[]", "{}", "[[[[]]]]", '[{"a": "{S}"}]', '{"{S}": {"{S}": 1}}',
    '{"a": 1, "a": "{S}", "b": [null]}', "true", "false", "null", "NaN", "Infinity", "nul", "True",
    "'{S}'", "{S}", "", ":", "01", "1.", ".5", "+1", "0x1f", "<LONG>", "<DEEP>", "<DEEPER>",
]

# What damage inserts.
TOKENS = [
    ":", '"":', ",", "{", "}", "[", "]", '"', "\\", "\\u", "\\ud800", "\\u0000", "null", "1e999",
    "//", "\ufeff", "é",
]


@dataclass
class Body:
    text: str
    good: bool  # every column has one of its good values, and there is a tag


class Maker:
    def __init__(self, seed: str):
        self.random = random.Random(seed)

    def body(self, wrong: float) -> Body:
        """One body; `wrong` is how likely it has something strange in it."""
        choose = self.random
        names = [name for name in COLUMNS if name == "tag" or choose.random() < 0.25]
        values = {name: choose.choice(COLUMNS[name][1]) for name in names}
        good = True
        if choose.random() < wrong:
            good = False
            for _ in range(choose.choice([1, 1, 1, 2, 5])):
                values[choose.choice(list(COLUMNS))] = self.strange()
        members = list(values.items())
        if choose.random() < 0.2:
            members.append(
                ("nobody asks", choose.choice(['"\\u0000"', "1e400", '{"a": []}', '"€"']))
            )
        if choose.random() < 0.1:
            # An earlier duplicate, of which nobody must see anything.
            members.insert(0, (choose.choice(names), '"an earlier one"'))
        if not good:
            choose.shuffle(members)
        text = self.write(members)
        if choose.random() < wrong / 4:
            good = False
            text = self.damage(text)
        if choose.random() < wrong / 20:
            good = False
            text = choose.choice(
                ["", " ", "null", "[]", '"%s"' % LETTERS, DIGITS, "[" * 50000, '{"tag":' * 3000]
            )
        return Body(text, good)

    def strange(self) -> str:
        choose = self.random
        value = choose.choice(STRANGE)
        if value == "<LONG>":
            return '"' + LETTERS * choose.choice([3, 300, 300, 7000]) + '"'
        if value in ("<DEEP>", "<DEEPER>"):
            depth = choose.choice([500, 1000] if value == "<DEEP>" else [1022, 1023, 1024, 5000])
            return "[" * depth + f'"{LETTERS}"' + "]" * depth
        return value.replace("{S}", f"{LETTERS}{choose.randrange(10000)}").replace("{D}", DIGITS)

    def write(self, members: list[tuple[str, str]]) -> str:
        choose = self.random
        space = choose.choice(["", "", " ", "\n\t "])
        parts = []
        for name, value in members:
            if choose.random() < 0.05:
                name = "".join(f"\\u{ord(letter):04X}" for letter in name)
            parts.append(f'{space}"{name}"{space}:{space}{value}')
        return space + "{" + ",".join(parts) + space + "}" + space

    def damage(self, text: str) -> str:
        choose = self.random
        for _ in range(choose.choice([1, 1, 2, 4])):
            at = choose.randrange(len(text) + 1)
            edges = [edge.end() for edge in re.finditer(r'["{}\[\],:]', text)]
            if edges and choose.random() < 0.6:
                at = choose.choice(edges)
            to = min(len(text), at + choose.choice([0, 1, 1, 3, 20]))
            what = choose.randrange(5)
            if what == 0:
                text = text[:at]
            elif what == 1:
                text = text[:at] + text[to:]
            elif what == 2:
                text = text[:at] + choose.choice(TOKENS) + text[at:]
            elif what == 3:
                text = text[:at] + text[at:to] * 2 + text[to:]
            else:
                text = text[:at] + choose.choice(TOKENS) + text[to:]
        return text

    def spoil(self, reply: bytes) -> bytes:
        """Damages the bytes of a whole reply: cut, changed, broken UTF-8, half a surrogate pair."""
        choose = self.random
        broken = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\\ud800", b"\x00", b'"', b"{", b"]", b"null"]
        for _ in range(choose.choice([1, 1, 3])):
            at = choose.randrange(len(reply) + 1)
            what = choose.randrange(3)
            if what == 0:
                reply = reply[:at]
            elif what == 1:
                reply = reply[:at] + choose.choice(broken) + reply[at:]
            else:
                reply = reply[:at] + bytes([choose.randrange(256)]) + reply[at + 1 :]
        return reply
