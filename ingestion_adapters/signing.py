"""Signatures of programs' requests: the string to sign, HMAC-SM3 and its check; pure, standard library only."""

from __future__ import annotations

import hashlib
import hmac
import re

WINDOW_S = 300
HMAC_SM3 = "HMAC-SM3"
ALGORITHMS = (HMAC_SM3,)
_NONCE = re.compile(r"[\x21-\x7e]{16,64}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")
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


def well_formed(timestamp: str, nonce: str, signature: str) -> bool:
    """Return whether the three headers have the shape they must have."""
    return bool(_TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce) and _SIGNATURE.fullmatch(signature))


def matches(key: bytes, texts: tuple[bytes, ...], signature: str) -> bool:
    """Return whether the signature is that of one of the texts, in constant time."""
    given = signature.lower().encode()
    found = [hmac.compare_digest(sign(key, text).encode(), given) for text in texts]
    return any(found)


def in_window(timestamp_ms: int, now_ms: int) -> bool:
    """Return whether a request's time lies within ±300 s of ours."""
    return abs(now_ms - timestamp_ms) <= WINDOW_S * 1000
