"""Signatures: the published SM3 vectors, the string to sign, and every way a signature can be wrong."""

from __future__ import annotations

import pytest

from ingestion_adapters.signing import in_window, matches, sign, sm3_hex, string_to_sign, well_formed

KEY = b"k" * 32
NONCE = "0123456789abcdef"


def test_sm3_is_that_of_the_standard() -> None:
    assert sm3_hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_string_to_sign_is_the_agreed_one() -> None:
    text = string_to_sign("post", "/api/v1/ingest/RT?x=1", "1780272000000", NONCE, sm3_hex(b""))
    assert text.decode().split("\n") == ["POST", "/api/v1/ingest/RT?x=1", "1780272000000", NONCE, sm3_hex(b"")]


@pytest.mark.parametrize("change", range(5))
def test_any_changed_part_breaks_the_signature(change: int) -> None:
    parts = ["POST", "/api/v1/orders", "1780272000000", NONCE, sm3_hex(b"x")]
    good = sign(KEY, string_to_sign(*parts))
    assert matches(KEY, (string_to_sign(*parts),), good.upper())
    parts[change] += "0"
    assert not matches(KEY, (string_to_sign(*parts),), good)
    assert not matches(
        b"other", (string_to_sign("POST", "/api/v1/orders", "1780272000000", NONCE, sm3_hex(b"x")),), good
    )


@pytest.mark.parametrize(
    ("timestamp", "nonce", "signature"),
    [
        ("", NONCE, "0" * 64), ("1780272000", NONCE, "0" * 64), ("１７８０２７２０００００００", NONCE, "0" * 64),
        ("1780272000000", "short", "0" * 64), ("1780272000000", "x" * 65, "0" * 64), ("1780272000000", NONCE, "0" * 63),
        ("1780272000000", "with blank inside it", "0" * 64), ("1780272000000", NONCE, "g" * 64),
    ],
)  # fmt: skip
def test_ill_formed_headers_are_seen(timestamp: str, nonce: str, signature: str) -> None:
    assert not well_formed(timestamp, nonce, signature)


def test_window_is_300_seconds_either_way() -> None:
    assert in_window(0, 300_000) and in_window(600_000, 300_000)
    assert not in_window(0, 300_001) and not in_window(600_001, 300_000)
