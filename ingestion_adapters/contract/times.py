"""Instants as a message carries them: ISO 8601 with offset, or milliseconds since the epoch; pure."""

from __future__ import annotations

from datetime import UTC, datetime


def instant_of(value: str | int) -> datetime | None:
    """Return the UTC instant of ISO 8601 text with offset or of ms since the epoch; None when it is neither."""
    ms = instant_ms(value)
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def instant_ms(value: str | int) -> int | None:
    """Return ms since the epoch of ISO 8601 text with offset or of ms; None when it is neither."""
    try:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, int):
            datetime.fromtimestamp(value / 1000, UTC)
            return value
        moment = datetime.fromisoformat(value.strip())
        return None if moment.tzinfo is None else round(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
