"""Signatures of programs' requests: the string to sign, and the check of HMAC-SM3 and SM2-SM3."""

from __future__ import annotations

import hashlib
import hmac
import re

from portal.core.crypto import PROVIDER

WINDOW_S = 300
HMAC_SM3 = "HMAC-SM3"
SM2_SM3 = "SM2-SM3"
_NONCE = re.compile(r"[\x21-\x7e]{16,64}")
# SM2: r||s as 128 signs, else DER of at most 72 bytes.
_SIGNATURES = {HMAC_SM3: re.compile(r"[0-9a-fA-F]{64}"), SM2_SM3: re.compile(r"(?:[0-9a-fA-F]{2}){8,72}")}
ALGORITHMS = tuple(_SIGNATURES)
_TIMESTAMP = re.compile(r"[0-9]{12,14}")


def sm3_hex(data: bytes) -> str:
    """Return the SM3 digest in hex; SM3("abc") is 66c7f0f4…8f4ba8e0."""
    return hashlib.new("sm3", data).hexdigest()


def string_to_sign(method: str, target: str, timestamp: str, nonce: str, body_sm3: str) -> bytes:
    """Return what is signed; `target` is the path with its query as sent, body_sm3 the hex SM3 of the body as sent."""
    return "\n".join((method.upper(), target, timestamp, nonce, body_sm3)).encode()


def sign(key: bytes, text: bytes) -> str:
    """Return the hex HMAC-SM3 of a string to sign."""
    return hmac.new(key, text, "sm3").hexdigest()


def well_formed(timestamp: str, nonce: str, signature: str, algorithm: str = HMAC_SM3) -> bool:
    """Return whether the four headers have the shape they must have."""
    shape = _SIGNATURES.get(algorithm)
    return bool(shape and _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce) and shape.fullmatch(signature))


def matches(key: bytes, texts: tuple[bytes, ...], signature: str) -> bool:
    """Return whether the signature is that of one of the texts, in constant time."""
    given = signature.lower().encode()
    found = [hmac.compare_digest(sign(key, text).encode(), given) for text in texts]
    return any(found)


def matches_sm2(point: bytes, texts: tuple[bytes, ...], signature: str) -> bool:
    """Return whether the signature over one of the texts was made with the private key of this point."""
    return any(PROVIDER.verify_sm2(point, text, bytes.fromhex(signature)) for text in texts)


def in_window(timestamp_ms: int, now_ms: int) -> bool:
    """Return whether a request's time lies within ±300 s of ours."""
    return abs(now_ms - timestamp_ms) <= WINDOW_S * 1000
