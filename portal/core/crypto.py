"""Chinese commercial cryptography behind one door: SM3 digests, HMAC-SM3, SM4-GCM fields, SM2 signatures.

`CryptoProvider` is what a certified cipher machine would replace; the one here is software and is
not a certified product. SM3("abc") is 66c7f0f4…8f4ba8e0 (GB/T 32905).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from portal.core.crypto_sm2 import verify_sm2

NONCE_BYTES = 12
TAG_BYTES = 16


class CryptoProvider(Protocol):
    """What the portal asks of a cipher module."""

    def sm3(self, data: bytes) -> bytes:
        """Return the 32-byte SM3 digest."""

    def hmac_sm3(self, key: bytes, data: bytes) -> bytes:
        """Return the 32-byte HMAC-SM3."""

    def seal(self, key: bytes, plain: bytes, label: bytes) -> str:
        """Return plain text encrypted with SM4-GCM and bound to `label`."""

    def unseal(self, key: bytes, sealed: str, label: bytes) -> bytes:
        """Return the plain text; raise ValueError when it or its label was changed."""

    def verify_sm2(self, point: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether data were signed with SM2 and SM3 by the key of a point 04||x||y; never raise."""


class SoftwareProvider:
    """SM3 from OpenSSL through hashlib, SM4-GCM from the cryptography package, SM2 from OpenSSL through ctypes."""

    def sm3(self, data: bytes) -> bytes:
        """Return the 32-byte SM3 digest."""
        return hashlib.new("sm3", data).digest()

    def hmac_sm3(self, key: bytes, data: bytes) -> bytes:
        """Return the 32-byte HMAC-SM3."""
        return hmac.new(key, data, "sm3").digest()

    def seal(self, key: bytes, plain: bytes, label: bytes) -> str:
        """Return `v1.<base64 of nonce, text and tag>`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        machine = Cipher(algorithms.SM4(self._short(key)), modes.GCM(nonce)).encryptor()
        machine.authenticate_additional_data(label)
        text = machine.update(plain) + machine.finalize()
        return "v1." + base64.urlsafe_b64encode(nonce + text + machine.tag).decode()

    def unseal(self, key: bytes, sealed: str, label: bytes) -> bytes:
        """Return the plain text; raise ValueError when it or its label was changed."""
        raw = base64.urlsafe_b64decode(sealed.removeprefix("v1."))
        nonce, text, tag = raw[:NONCE_BYTES], raw[NONCE_BYTES:-TAG_BYTES], raw[-TAG_BYTES:]
        machine = Cipher(algorithms.SM4(self._short(key)), modes.GCM(nonce, tag)).decryptor()
        machine.authenticate_additional_data(label)
        try:
            return machine.update(text) + machine.finalize()
        except InvalidTag as broken:
            raise ValueError("sealed text or its label was changed") from broken

    def verify_sm2(self, point: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether data were signed with SM2 and SM3 by the key of a point 04||x||y; never raise."""
        return verify_sm2(point, data, signature)

    def _short(self, key: bytes) -> bytes:
        return self.sm3(key)[:16]


PROVIDER: CryptoProvider = SoftwareProvider()


def sm3_hex(data: bytes) -> str:
    """Return the SM3 digest in hex."""
    return PROVIDER.sm3(data).hex()


def equal_in_constant_time(left: str, right: str) -> bool:
    """Compare two short texts without telling where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())
