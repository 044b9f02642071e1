"""How an attempt to forward a batch ends, and when the next one is."""

from __future__ import annotations

import pytest

from ingestion_adapters.upward.rules import ending_of, pause


@pytest.mark.parametrize(
    ("status", "has_receipt", "ending"),
    [
        (200, True, "taken"),
        (422, True, "taken"),
        (422, False, "refused"),
        (400, False, "refused"),
        (409, False, "refused"),
        (413, False, "refused"),
        (0, False, "waiting"),
        (401, False, "waiting"),
        (429, False, "waiting"),
        (503, True, "waiting"),
        (200, False, "waiting"),
    ],
)
def test_only_a_receipt_ends_a_batch_and_only_what_never_passes_is_given_up(
    status: int, has_receipt: bool, ending: str
) -> None:
    assert ending_of(status, has_receipt=has_receipt) == ending


def test_pauses_double_from_five_seconds_to_ten_minutes() -> None:
    assert [pause(attempts).total_seconds() for attempts in (1, 2, 3, 7, 8, 99)] == [5, 10, 20, 320, 600, 600]
