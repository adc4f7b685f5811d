#!/usr/bin/env python3
"""Prints the known answers of vectors_masking.h, and opens them again without the extension.

Made with another implementation (python3-cryptography over its own OpenSSL), so that masks stay
readable outside the database. The key is the bytes 00 to 3f, its id k1.
"""

import base64
import hmac
import ipaddress

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SIV = AESSIV(bytes(range(64)))


def associated_data(kind, domain):
    return [b"sqs_fdw\0" + kind.encode() + b"1\0" + domain.encode()]


def seal(kind, plain, domain):
    body = SIV.encrypt(plain, associated_data(kind, domain))
    return f"{kind}1.k1." + base64.urlsafe_b64encode(body).decode().rstrip("=")


def unseal(masked, domain):
    head, key_id, body = masked.split(".")
    assert head[1] == "1" and key_id == "k1"
    sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return SIV.decrypt(sealed, associated_data(head[0], domain))


def mask(value, domain):
    plain = value.encode()
    return seal("t", plain + b"\x80" + b"\0" * (15 - len(plain) % 16), domain)


def unmask(masked, domain):
    return unseal(masked, domain).rstrip(b"\0")[:-1].decode()


def mask_ip(text):
    address = ipaddress.ip_address(text)
    if address.version == 4:
        address = ipaddress.ip_address(f"::ffff:{address}")
    return seal("i", address.packed, "ip")


def unmask_ip(masked):
    address = ipaddress.ip_address(unseal(masked, "ip"))
    return str(address.ipv4_mapped or address)


def derived(info, size):
    return HKDF(hashes.SHA256(), size, b"sqs_fdw", info).derive(bytes(range(64)))


def seal_message(plain, message_id, suffix=b""):
    cipher = AESSIV(derived(b"seal v1", 64))
    return cipher.encrypt(plain, [b"sqs_fdw\0s1\0" + message_id.encode() + suffix])


def mask_hmac(value, domain):
    message = b"sqs_fdw\0h1\0" + domain.encode() + b"\0" + value.encode()
    body = hmac.digest(derived(b"mask_hmac v1", 32), message, "sha256")
    return "h1.k1." + base64.urlsafe_b64encode(body).decode().rstrip("=")


def letters(size):
    return "".join(chr(ord("a") + i % 26) for i in range(size))


def main():
    texts = [("593-47-5928", "device_id"), ("", "")]
    texts += [(letters(size), "device_id") for size in (15, 16, 31, 32, 36, 159)]
    texts += [("Grüße, 世界", "greeting"), ("not an address", "ip"), ("Grüße", "Straße")]
    for value, domain in texts:
        masked = mask(value, domain)
        assert unmask(masked, domain) == value
        print(f"mask({value!r}, {domain!r}) = {masked}")
    for value, domain in texts[:4] + texts[-3:]:
        print(f"mask_hmac({value!r}, {domain!r}) = {mask_hmac(value, domain)}")
    for address in ("199.172.111.135", "2001:db8::1", "1.2.3.4"):
        masked = mask_ip(address)
        assert unmask_ip(masked) == address
        print(f"mask_ip({address!r}) = {masked}")
    for plain in (b"0123456789abcdef", bytes(16), b"abc\x80" + bytes(28)):
        print(f"badly padded {plain!r} = {seal('t', plain, 'd')}")
    for plain, suffix in ((b"", b""), (b'{"ip":1}', b""), (b'{"ip":1}', b"\0attributes")):
        print(f"sealed {plain!r} {suffix!r} = {seal_message(plain, 'm-1', suffix).hex()}")


if __name__ == "__main__":
    main()
