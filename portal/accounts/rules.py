"""Judgements about accounts: lock-out, how long a session lives, what a login or a credit code looks like; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

FAILURES_AN_ACCOUNT = 5
FAILURES_AN_ADDRESS = 30
FAILURE_WINDOW = timedelta(minutes=15)
LOCK_TIME = timedelta(minutes=15)
# How long a program's old key stays valid beside the new one: unless asked otherwise, and at most.
OVERLAP = timedelta(days=7)
LONGEST_OVERLAP = timedelta(days=91)
LOGIN_SHAPE = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}", re.ASCII)
# What an open page asks by itself; a screen nobody sits at must still log out.
BY_ITSELF = ("/live", "/home/freshness", "/operation/alarms/count", "/map/alarms", "/map/counts", "/tiles/alarm/")
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@dataclass(frozen=True)
class SessionTimes:
    """When a session was made and last used."""

    created_at: datetime
    seen_at: datetime


def locked_until(failures: Sequence[datetime], limit: int) -> datetime | None:
    """Return until when logins are refused after these failures (newest first), or None.

    A lock begins with the failure that completes `limit` of them within the window.
    """
    if len(failures) < limit or failures[0] - failures[limit - 1] > FAILURE_WINDOW:
        return None
    return failures[0] + LOCK_TIME


def session_end(times: SessionTimes, now: datetime, *, idle_minutes: int, session_hours: int) -> str | None:
    """Return why a session is over, `idle` or `expired`, or None while it lives."""
    if now - times.created_at >= timedelta(hours=session_hours):
        return "expired"
    if now - times.seen_at >= timedelta(minutes=idle_minutes):
        return "idle"
    return None


def is_deed(method: str, path: str, *, fetched: bool, by_htmx: bool) -> bool:
    """Return whether a request is something a person did, not news that an open page fetched by itself."""
    if method != "GET":
        return True
    if path.startswith(BY_ITSELF):
        return False
    return not fetched or by_htmx or path.startswith("/tiles/")


def is_login(text: str) -> bool:
    """Return whether a text can be a login name: 2 to 32 of a-z 0-9 . _ -, beginning with a letter or digit."""
    return LOGIN_SHAPE.fullmatch(text) is not None


def is_uscc(text: str) -> bool:
    """Return whether a unified social credit code has the shape and check character of GB 32100-2015."""
    if len(text) != 18 or any(char not in USCC_ALPHABET for char in text):
        return False
    total = sum(weight * USCC_ALPHABET.index(char) for weight, char in zip(USCC_WEIGHTS, text[:17], strict=True))
    return USCC_ALPHABET[-total % 31] == text[17]


def local_path(wanted: str | None) -> str | None:
    """Return an address if it stays on this server, else None."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return None
    if any(ord(char) <= 32 or char == "\\" for char in wanted):
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc else None


def certificate_state(expires_on: date | None, today: date, expiring_days: int) -> str:
    """Return how a certificate stands: valid, expiring (its end is near), expired, or undated."""
    if expires_on is None:
        return "undated"
    if expires_on < today:
        return "expired"
    return "expiring" if expires_on <= today + timedelta(days=expiring_days) else "valid"
