#!/usr/bin/env python3
"""What a mask costs inside the server, beside pgcrypto's AES and core's SHA-256 of the same values.

usage: masking.py --runs N      (part of `make bench`; alone: test/bench/run masking)

Each statement evaluates one expression for each of many values. Its figure is the CPU time of the
backend above that of the statement that only reads the values, divided by their number. pgcrypto and
SHA-256 get the values as bytea, so that no conversion is counted against them.
"""

import argparse
import statistics
from dataclasses import dataclass

import machine
from session import Session

VALUES = 500_000
# An IPv4 address and a UUID, by the size of their texts; no two are equal.
TEXTS = {
    15: "concat_ws('.', 100 + n % 100, 100 + n / 100 % 100, 100 + n / 10000, 199)",
    36: "md5(n::text)::uuid::text",
}
MASK = "sqs.mask(value, 'device_id')"


@dataclass
class Contender:
    sql: str
    words: str = ""
    column: str = "value"  # what it reads
    sizes: tuple = tuple(TEXTS)


CONTENDERS = [
    Contender(MASK, "AES-256-SIV, base64url"),
    Contender("sqs.mask_ip(value)", "reads the address, too", sizes=(15,)),
    Contender("encode(sha256(bytes), 'hex')", "core; no key", "bytes"),
    Contender(
        f"encode(encrypt(bytes, '\\x{bytes(range(32)).hex()}', 'aes'), 'base64')",
        "pgcrypto; AES-256-CBC, zero IV, no authentication",
        "bytes",
    ),
]


def statement(expression: str, size: int, source: str = "") -> str:
    return f"SELECT count({expression}) FROM {source or f'values_{size}'} AS v"


def prepare(session: Session) -> None:
    """Makes the tables, and lets each function have its first use."""
    for extension in ("sqs_fdw", "pgcrypto"):
        session.run(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    session.run("SET max_parallel_workers_per_gather = 0")
    session.run("SET jit = off")
    for size, text in TEXTS.items():
        session.run(
            f"CREATE TEMPORARY TABLE values_{size} AS"
            f" SELECT value, convert_to(value, 'UTF8') AS bytes"
            f" FROM (SELECT {text} AS value FROM generate_series(1, {VALUES}) AS n) AS texts"
        )
        found = session.query(
            f"SELECT count(DISTINCT value), min(length(value)), max(length(value)) FROM values_{size}"
        )
        if found != f"{VALUES}|{size}|{size}":
            raise SystemExit(f"the values of {size} bytes are others: {found}")
        for contender in CONTENDERS:
            few = f"(SELECT * FROM values_{size} LIMIT 100)"
            session.query(statement(contender.sql, size, few))


def cpu_us(session: Session, expression: str, size: int) -> float:
    """Of the backend, for each value."""
    before = machine.cpu_us(session.backend)
    counted = session.query(statement(expression, size))
    after = machine.cpu_us(session.backend)
    if counted != str(VALUES):
        raise SystemExit(f"{expression}: {counted} results")
    return (after - before) / VALUES


def one_round(session: Session) -> dict:
    """Microseconds a value, by expression and size."""
    figures = {}
    for size in TEXTS:
        reading = {column: cpu_us(session, column, size) for column in ("value", "bytes")}
        for contender in CONTENDERS:
            if size in contender.sizes:
                cost = cpu_us(session, contender.sql, size) - reading[contender.column]
                figures[f"{contender.sql} {size}"] = cost
    return figures


def measure(runs: int) -> list[dict]:
    with Session() as session:
        prepare(session)
        return [one_round(session) for _ in range(runs)]


def print_rounds(rounds: list[dict]) -> None:
    head = "".join(f"{f'{size} bytes':>10} ÷ mask" for size in TEXTS)
    print(f"\n{'CPU µs a value inside the server, above reading it':<52}{head}")
    for contender in CONTENDERS:
        line = f"  {_short(contender.sql):<50}"
        for size in TEXTS:
            if size in contender.sizes:
                costs = [figures[f"{contender.sql} {size}"] for figures in rounds]
                ratios = [
                    cost / figures[f"{MASK} {size}"] for cost, figures in zip(costs, rounds)
                ]
                line += f"{statistics.median(costs):10.2f}{statistics.median(ratios):7.2f}"
            else:
                line += f"{'-':>10}{'':7}"
        print(f"{line}  {contender.words}")


def _short(sql: str) -> str:
    """Without the key, which is long."""
    before, quote, rest = sql.partition("'\\x")
    return before + "key" + rest.partition("'")[2] if quote else sql


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, required=True)
    print_rounds(measure(parser.parse_args().runs))


if __name__ == "__main__":
    main()
