"""SM2 signatures with SM3 (GB/T 32918.2, GM/T 0009) checked by OpenSSL 3 through ctypes; never a private key.

The point of a public key is 04||x||y. Every error of the library means "not signed": nothing here raises
for a signature, and threads share nothing of the library but loaded public keys, which it only reads.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import re
from functools import cache, lru_cache
from typing import Any

SM2_ID = b"1234567812345678"
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
POINT_BYTES = 65
KEYS_LOADED = 512
LIBRARY = "libcrypto.so.3"
# SubjectPublicKeyInfo of an uncompressed point on the curve sm2 (1.2.156.10197.1.301), up to the point.
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_ARMOUR = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,400})-----END PUBLIC KEY-----")
_POINT = re.compile(r"04[0-9a-fA-F]{128}")

# name -> (result, arguments); pointers are void pointers, so that nothing is cut to 32 bits.
_CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "EVP_sm3": (ctypes.c_void_p, ()),
    "d2i_PUBKEY": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_long)),
    "EVP_PKEY_free": (None, (ctypes.c_void_p,)),
    "EVP_PKEY_CTX_new": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_void_p)),
    "EVP_PKEY_CTX_free": (None, (ctypes.c_void_p,)),
    "EVP_PKEY_public_check": (ctypes.c_int, (ctypes.c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)),
    "EVP_MD_CTX_new": (ctypes.c_void_p, ()),
    "EVP_MD_CTX_free": (None, (ctypes.c_void_p,)),
    "EVP_DigestVerifyInit": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
    ),
    "EVP_DigestVerify": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "ERR_clear_error": (None, ()),
}


@cache
def _library() -> Any | None:
    """Return libcrypto with every call typed; None where it is missing or was built without SM2 or SM3."""
    try:
        found = ctypes.CDLL(LIBRARY)
        for name, (result, arguments) in _CALLS.items():
            call = getattr(found, name)
            call.restype, call.argtypes = result, list(arguments)
        return found if found.EVP_sm3() else None
    except (OSError, AttributeError):
        return None


def sm2_available() -> bool:
    """Return whether SM2 signatures can be checked on this machine."""
    return _library() is not None


def public_point(text: str) -> bytes:
    """Return 04||x||y of a public key given as PEM or hex; raise ValueError when it is no point of the curve."""
    words = text.strip()
    armoured = _ARMOUR.fullmatch(words)
    if armoured:
        point = _point_of_der("".join(armoured[1].split()))
    elif _POINT.fullmatch("".join(words.split())):
        point = bytes.fromhex("".join(words.split()))
    else:
        raise ValueError("neither a PEM public key nor 04||x||y in hex")
    if not _on_curve(point):
        raise ValueError("not a point of the curve sm2")
    return point


def _point_of_der(base64_text: str) -> bytes:
    try:
        der = base64.b64decode(base64_text, validate=True)
    except binascii.Error as broken:
        raise ValueError("the PEM text is damaged") from broken
    point = der.removeprefix(SPKI_HEAD)
    if len(point) != POINT_BYTES or len(der) != len(SPKI_HEAD) + POINT_BYTES or point[0] != 4:
        raise ValueError("not an uncompressed public key on the curve sm2")
    return point


def der_signature(signature: bytes) -> bytes | None:
    """Return a signature as strict DER, from DER or from r||s of 64 bytes; None when r or s is no member of [1, n-1]."""
    if len(signature) == 64:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    else:
        parts = _two_integers(signature)
        if parts is None:
            return None
        r, s = parts
    if not (0 < r < ORDER and 0 < s < ORDER):
        return None
    strict = _der_of(r, s)
    return strict if len(signature) == 64 or strict == signature else None


def _two_integers(der: bytes) -> tuple[int, int] | None:
    if not 8 <= len(der) <= 72 or der[0] != 0x30 or der[1] != len(der) - 2:
        return None
    found, at = [], 2
    while at + 2 <= len(der) and der[at] == 2 and 0 < der[at + 1] <= 33 and at + 2 + der[at + 1] <= len(der):
        end = at + 2 + der[at + 1]
        found.append(int.from_bytes(der[at + 2 : end], "big", signed=True))
        at = end
    return (found[0], found[1]) if len(found) == 2 and at == len(der) else None


def _der_of(r: int, s: int) -> bytes:
    parts = b""
    for number in (r, s):
        # One bit more than the number has, so that it is not read as negative.
        raw = number.to_bytes(number.bit_length() // 8 + 1, "big")
        parts += bytes((2, len(raw))) + raw
    return bytes((0x30, len(parts))) + parts


def verify_sm2(point: bytes, data: bytes, signature: bytes, identity: bytes = SM2_ID) -> bool:
    """Return whether a signature (DER or r||s) over the data was made with the key of this point and identity."""
    strict = der_signature(signature)
    library = _library()
    if strict is None or library is None:
        return False
    key = _loaded(point)
    try:
        return key.address is not None and _verified(library, key.address, data, strict, identity)
    finally:
        # What failed stays in the thread's error list, where ssl and hashlib would stumble over it.
        library.ERR_clear_error()


class _Key:
    """A public key inside the library, freed when nobody holds it any more."""

    def __init__(self, library: Any, point: bytes) -> None:
        """Load a point; `address` stays None when it is no point of the curve."""
        self._library = library
        der = SPKI_HEAD + point
        usable = len(point) == POINT_BYTES
        self.address = library.d2i_PUBKEY(None, ctypes.byref(ctypes.c_char_p(der)), len(der)) if usable else None

    def __del__(self) -> None:
        """Give the memory back."""
        self._library.EVP_PKEY_free(self.address)


@lru_cache(maxsize=KEYS_LOADED)
def _loaded(point: bytes) -> _Key:
    """Return a key ready for use; loading costs OpenSSL 3.0 five times what a check does, so keys stay."""
    return _Key(_library(), point)


def _on_curve(point: bytes) -> bool:
    library = _library()
    if library is None:
        raise ValueError("SM2 is not offered by the OpenSSL of this machine")
    key = _Key(library, point)
    context = library.EVP_PKEY_CTX_new(key.address, None) if key.address else None
    try:
        return bool(context) and library.EVP_PKEY_public_check(context) == 1
    finally:
        library.EVP_PKEY_CTX_free(context)
        library.ERR_clear_error()


def _verified(library: Any, key: int, data: bytes, signature: bytes, identity: bytes) -> bool:
    context = library.EVP_MD_CTX_new()
    try:
        inner = ctypes.c_void_p()
        return bool(
            context
            and library.EVP_DigestVerifyInit(context, ctypes.byref(inner), library.EVP_sm3(), None, key) == 1
            and library.EVP_PKEY_CTX_set1_id(inner, identity, len(identity)) == 1
            and library.EVP_DigestVerify(context, signature, len(signature), data, len(data)) == 1
        )
    finally:
        library.EVP_MD_CTX_free(context)
