#!/usr/bin/env python3
"""Writes the test vectors siv/*.json, which siv_vectors runs against the project's own AES-SIV.

Made with another implementation (the Python package `cryptography` over its own OpenSSL), which also
has to refuse what is marked invalid. Nothing is random: the same files come out each time. OpenSSL
3.0 cannot do empty messages, so this needs a package with a newer one, such as that of moto:

    .cache/moto/bin/python test/unit/make_siv_vectors.py
"""

import hashlib
import json
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

FOLDER = Path(__file__).with_name("siv")
KEY_BITS = (256, 384, 512)
SIZES = (0, 1, 15, 16, 17, 31, 32, 33, 1000)
AAD_SIZES = (0, 1, 15, 16, 17, 33)
IV_SIZES = (12, 1, 16, 21)
SIV = 16
FLIPPED_BITS = (0, 7, 31, 63, 64, 95, 127)  # of the SIV
# SIVs whose counter would carry, were the two bits not cleared.
EDGE_SIVS = ("00" * 16, "ff" * 16, "ff" * 12 + "7fffffff", "ff" * 8 + "7f" + "ff" * 7)
EDGE_SIZES = (16, 48, 18 * 16)


def data(label: str, size: int) -> bytes:
    """Bytes that depend on the label only, and look random."""
    return hashlib.shake_256(label.encode()).digest(size)


def flip(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


class Group:
    """The tests of one group, as they are written down. `iv` is None in plain AES-SIV-CMAC."""

    def __init__(self, bits: int, iv_size: int | None = None):
        self._head = {"type": "DaeadTest" if iv_size is None else "AeadTest", "keySize": bits}
        if iv_size is not None:
            self._head |= {"ivSize": iv_size * 8, "tagSize": SIV * 8}
        self._tests = []

    def valid(self, comment: str, key: bytes, aad: bytes, iv: bytes | None, msg: bytes) -> bytes:
        sealed = AESSIV(key).encrypt(msg, components(aad, iv))
        self._add(comment, key, aad, iv, msg, sealed, "valid")
        return sealed

    def invalid(self, comment, key, aad, iv, msg, sealed) -> None:
        try:
            AESSIV(key).decrypt(sealed, components(aad, iv))
        except InvalidTag:
            self._add(comment, key, aad, iv, msg, sealed, "invalid")
        else:
            raise SystemExit(f"{comment}: {sealed.hex()} is valid")

    def _add(self, comment, key, aad, iv, msg, sealed, result) -> None:
        test = {"comment": comment, "key": key.hex()}
        if iv is None:
            test |= {"aad": aad.hex(), "msg": msg.hex(), "ct": sealed.hex()}
        else:
            test |= {"iv": iv.hex(), "aad": aad.hex(), "msg": msg.hex()}
            test |= {"ct": sealed[SIV:].hex(), "tag": sealed[:SIV].hex()}
        self._tests.append(test | {"result": result})

    def written(self, first_id: int) -> tuple[dict, int]:
        tests = [{"tcId": first_id + i} | test for i, test in enumerate(self._tests)]
        return self._head | {"tests": tests}, first_id + len(tests)


def components(aad: bytes, iv: bytes | None) -> list[bytes]:
    """An empty aad is one component, an empty one. The nonce comes last."""
    return [aad] if iv is None else [aad, iv]


# ---------------------------------------------------------------------- messages of a chosen SIV


def double(block: bytes) -> bytes:
    value = int.from_bytes(block, "big") << 1
    if value >> 128:
        value ^= 1 << 128 | 0x87
    return value.to_bytes(16, "big")


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def message_with_siv(key: bytes, aad: bytes, size: int, siv: bytes) -> bytes:
    """A message of whole blocks, of which the last one is chosen so that S2V gives `siv`."""
    aes = Cipher(algorithms.AES(key[: len(key) // 2]), modes.ECB())
    encrypt, decrypt = aes.encryptor().update, aes.decryptor().update
    subkey = double(encrypt(bytes(16)))

    def cmac(blocks: bytes) -> bytes:
        mac = bytes(16)
        for at in range(0, len(blocks) - 16, 16):
            mac = encrypt(xor(mac, blocks[at : at + 16]))
        return encrypt(xor(xor(mac, blocks[-16:]), subkey))

    head = data(f"message before {siv.hex()}", size - 16)
    mac = bytes(16)
    for at in range(0, len(head), 16):
        mac = encrypt(xor(mac, head[at : at + 16]))
    state = xor(double(cmac(bytes(16))), cmac(aad))
    return head + xor(xor(xor(decrypt(siv), subkey), mac), state)


# ------------------------------------------------------------------------------------- the files


def aad_sizes_of(number: int, size: int, iv_size: int | None) -> tuple:
    """All sizes for short messages; in turn one of them for long ones and for each nonce."""
    if iv_size is None and size < SIZES[-1]:
        return AAD_SIZES
    one = (number + (iv_size or 0)) % len(AAD_SIZES)
    return AAD_SIZES[one : one + 1]


def add_sizes(group: Group, bits: int, iv_size: int | None) -> None:
    for number, size in enumerate(SIZES):
        for aad_size in aad_sizes_of(number, size, iv_size):
            label = f"{bits} {iv_size} {size} {aad_size}"
            iv = None if iv_size is None else data(f"iv {label}", iv_size)
            group.valid(
                f"message of {size} bytes, aad of {aad_size}",
                data(f"key {label}", bits // 8),
                data(f"aad {label}", aad_size),
                iv,
                data(f"message {label}", size),
            )


def add_invalid(group: Group, bits: int, iv_size: int | None) -> None:
    for size in (0, 1, 16, 33):
        label = f"invalid {bits} {iv_size} {size}"
        key, aad, msg = (
            data(f"{what} {label}", count)
            for what, count in (("key", bits // 8), ("aad", 20), ("message", size))
        )
        iv = None if iv_size is None else data(f"iv {label}", iv_size)
        sealed = group.valid(f"message of {size} bytes", key, aad, iv, msg)

        def refuse(comment, key=key, aad=aad, iv=iv, msg=msg, sealed=sealed):
            group.invalid(comment, key, aad, iv, msg, sealed)

        for bit in FLIPPED_BITS:
            refuse(f"bit {bit} of the SIV changed", sealed=flip(sealed, bit))
        refuse("SIV of zeros", sealed=bytes(SIV) + sealed[SIV:])
        if size > 0:
            refuse("first bit of the ciphertext changed", sealed=flip(sealed, SIV * 8))
            refuse("last bit of the ciphertext changed", sealed=flip(sealed, len(sealed) * 8 - 1))
            refuse("ciphertext cut by a byte", sealed=sealed[:-1])
            refuse("no ciphertext", sealed=sealed[:SIV])
            # An empty message does not depend on this half.
            refuse("a bit of the key's second half changed", key=flip(key, bits - 1))
        refuse("a byte too many", sealed=sealed + b"\0")
        refuse("SIV cut by a byte", sealed=sealed[: SIV - 1])
        refuse("nothing at all", sealed=b"")
        refuse("a bit of the aad changed", aad=flip(aad, 42))
        refuse("aad cut by a byte", aad=aad[:-1])
        refuse("aad missing", aad=b"")
        refuse("a bit of the key's first half changed", key=flip(key, bits // 2 - 1))
        refuse("the key's halves swapped", key=key[bits // 16 :] + key[: bits // 16])
        if iv is not None:
            refuse("a bit of the iv changed", iv=flip(iv, 3))
            refuse("iv cut by a byte", iv=iv[:-1])
            refuse("aad and iv swapped", aad=iv, iv=aad)
            refuse("aad and iv in one", aad=aad + iv, iv=b"")


def add_edges(group: Group, bits: int) -> None:
    for siv in map(bytes.fromhex, EDGE_SIVS):
        for size in EDGE_SIZES:
            key, aad = data(f"edge key {bits}", bits // 8), data("edge aad", 16)
            msg = message_with_siv(key, aad, size, siv)
            sealed = group.valid(f"SIV at an edge, message of {size} bytes", key, aad, None, msg)
            assert sealed[:SIV] == siv


def plain_groups() -> list[Group]:
    groups = []
    for bits in KEY_BITS:
        groups.append(Group(bits))
        add_sizes(groups[-1], bits, None)
        add_edges(groups[-1], bits)
        add_invalid(groups[-1], bits, None)
    return groups


def nonce_groups() -> list[Group]:
    groups = []
    for bits in KEY_BITS:
        for iv_size in IV_SIZES:
            groups.append(Group(bits, iv_size))
            add_sizes(groups[-1], bits, iv_size)
        groups.append(Group(bits, IV_SIZES[0]))
        add_invalid(groups[-1], bits, IV_SIZES[0])
    return groups


def rfc_group() -> Group:
    group = Group(256)
    sealed = group.valid(
        "RFC 5297 A.1",
        bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
        bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627"),
        None,
        bytes.fromhex("112233445566778899aabbccddee"),
    )
    # As the RFC prints it.
    assert sealed.hex() == "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"
    return group


def write(name: str, algorithm: str, header: list[str], groups: list[Group]) -> None:
    """One test a line: readable, and short in a diff."""
    next_id, written = 1, []
    for group in groups:
        head, next_id = group.written(next_id)
        tests = ",\n".join("   " + json.dumps(test) for test in head.pop("tests"))
        written.append("  " + json.dumps(head)[:-1] + ', "tests": [\n' + tests + "\n  ]}")
    daead = algorithm == "AES-SIV-CMAC"
    top = {
        "algorithm": algorithm,
        "schema": "daead_test_schema_v1.json" if daead else "aead_test_schema_v1.json",
        "numberOfTests": next_id - 1,
        "header": header,
        "notes": {},
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in top.items()]
    text = "{\n" + "".join(lines) + ' "testGroups": [\n' + ",\n".join(written) + "\n ]\n}\n"
    assert json.loads(text)["numberOfTests"] == next_id - 1
    (FOLDER / name).write_text(text)
    print(f"{name}: {next_id - 1} tests")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    write(
        "rfc5297.json",
        "AES-SIV-CMAC",
        [
            "RFC 5297, appendix A.1.",
            "A.2 has two components of associated data beside its nonce, which this format cannot"
            " say: masking_cipher_test.cpp has it.",
        ],
        [rfc_group()],
    )
    made = "Made by make_siv_vectors.py with the Python package cryptography."
    write("aes_siv_cmac.json", "AES-SIV-CMAC", [made], plain_groups())
    write("aead_aes_siv_cmac.json", "AEAD-AES-SIV-CMAC", [made], nonce_groups())


if __name__ == "__main__":
    main()
