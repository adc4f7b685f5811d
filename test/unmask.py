#!/usr/bin/env python3
"""Opens masks outside the database, or makes them, with a key ring and Python's `cryptography` alone.

Masks, or with --mask values, are the arguments; without any, the lines of standard input. With -0, NUL
ends each of them instead of a newline, in what is read and in what is printed: values may hold newlines.
"""

import argparse
import base64
import ipaddress
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


def read_keyring(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].split() for line in file]
    return {key_id: (state, base64.b64decode(key)) for key_id, state, key in filter(None, lines)}


def associated_data(kind, domain):
    return [b"sqs_fdw\0" + kind.encode() + b"1\0" + (b"ip" if kind == "i" else domain.encode())]


def encode(body):
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def unmask(masked, ring, domain):
    head, key_id, text = masked.split(".")
    body = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    state, key = ring.get(key_id, ("missing", b""))
    if head not in ("t1", "i1") or encode(body) != text or state not in ("active", "decrypt"):
        raise ValueError
    plain = AESSIV(key).decrypt(body, associated_data(head[0], domain))
    if head == "i1":
        address = ipaddress.IPv6Address(plain)
        return str(address.ipv4_mapped or address)
    return plain.rstrip(b"\0").removesuffix(b"\x80").decode()  # ISO/IEC 7816-4


def mask(value, ring, domain, is_ip):
    kind, plain = "t", value.encode()
    plain += b"\x80" + bytes(15 - len(plain) % 16)
    if is_ip:
        address = ipaddress.ip_address(value)
        kind, plain = "i", (b"" if address.version == 6 else bytes(10) + b"\xff\xff") + address.packed
    key_id, key = next((key_id, key) for key_id, (state, key) in ring.items() if state == "active")
    return f"{kind}1.{key_id}." + encode(AESSIV(key).encrypt(plain, associated_data(kind, domain)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mask", action="store_true", help="make masks, under the active key")
    parser.add_argument("--ip", action="store_true", help="values are IP addresses")
    parser.add_argument("-d", "--domain", default="", help="of texts; that of addresses is known")
    parser.add_argument("-0", "--null", action="store_true")
    parser.add_argument("keyring")
    parser.add_argument("texts", metavar="TEXT", nargs="*")
    options = parser.parse_args()
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8", newline="\n")
    end = "\0" if options.null else "\n"
    ring = read_keyring(options.keyring)
    texts = options.texts
    if not texts and (given := sys.stdin.read()):
        texts = given.removesuffix(end).split(end)
    wrong = "is no IP address" if options.mask else "does not open: altered, another domain or key"
    for number, text in enumerate(texts, 1):
        try:
            if options.mask:
                print(mask(text, ring, options.domain, options.ip), end=end)
            else:
                print(unmask(text, ring, options.domain), end=end)
        except (InvalidTag, ValueError):
            sys.exit(f"number {number} {wrong}")


if __name__ == "__main__":
    main()
