"""Addresses as people write them, and the one way that Python would write each."""

import ipaddress
import random
from typing import Optional


def make(choose: random.Random) -> str:
    """An address in some way of writing, or nearly one. No quotes, no backslashes, no NUL."""
    kind = choose.randrange(6)
    if kind == 0:
        text = ".".join(
            str(choose.choice([0, 1, 127, 169, 254, 255, 256, choose.randrange(256)]))
            for _ in range(4)
        )
    elif kind == 1:
        text = str(ipaddress.IPv6Address(choose.getrandbits(choose.choice([1, 16, 64, 128]))))
    elif kind == 2:
        text = "::ffff:" + str(ipaddress.IPv4Address(choose.getrandbits(32)))
    elif kind == 3:
        text = ipaddress.IPv6Address(choose.getrandbits(128)).exploded.upper()
    elif kind == 4:
        text = ":".join(
            choose.choice(["0", "00ff", "FFFF", "1", "", "dead"])
            for _ in range(choose.randrange(2, 9))
        )
    else:
        text = choose.choice(
            ["1.2.3", "01.02.03.004", "0x7f.1", "fe80::1%eth0", "[::1]:80", "1.2.3.4:80", "", "a"]
        )
    if choose.random() < 0.2:
        text = choose.choice([" ", "\t", "\n"]) + text + choose.choice(["", " ", "\r\n"])
    if choose.random() < 0.1:
        text += choose.choice(["/24", "/0", "/33", "/", "x", "."])
    if choose.random() < 0.2 and text:
        at = choose.randrange(len(text))
        text = text[:at] + choose.choice(["", ":", ".", "f", "9", " "]) + text[at + 1 :]
    return text


def canonical(text: str) -> Optional[str]:
    """What the address is without any doubt; None where Python reads none."""
    try:
        address = ipaddress.ip_address(text.strip(" \t\n\r"))
    except ValueError:
        return None
    if address.version == 6 and address.scope_id is not None:
        return None
    return str((address.version == 6 and address.ipv4_mapped) or address)
