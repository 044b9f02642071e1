"""When an alarm is told to whom, and when an unsent word is tried again; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from portal.core.clock import CITY_ZONE

SCREEN, EMAIL, WEBHOOK = "screen", "email", "webhook"
CHANNELS = (SCREEN, EMAIL, WEBHOOK)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 15, 1800
DAYS_OF_WEEK = 7


@dataclass(frozen=True)
class Step:
    """A step of the escalation: whom to tell after how long, by which channels."""

    level: int
    step: int
    after_min: int
    post: int
    channels: tuple[str, ...]


def steps_due(
    steps: Sequence[Step], *, level: int, waited: timedelta, done: Collection[int], acknowledged: bool
) -> list[Step]:
    """Return the steps of an alarm that are due and not done yet, in order; none once it is acknowledged."""
    if acknowledged:
        return []
    return sorted(
        (each for each in steps
         if each.level == level and each.step not in done and waited >= timedelta(minutes=each.after_min)),
        key=lambda each: each.step,
    )  # fmt: skip


def pause_after(attempts: int) -> timedelta:
    """Return how long an unsent word waits: 15 s, twice as long after each try, half an hour at most."""
    return timedelta(seconds=min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(max(attempts - 1, 0), 10)))


def state_after(*, sent: bool, attempts: int, most: int) -> str:
    """Return the state of a word after a try: sent, waiting for the next one, or failed until a person looks."""
    if sent:
        return "sent"
    return "failed" if attempts >= most else "waiting"


def week_of(day: date) -> list[date]:
    """Return the seven days of a day's week, Monday first."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=place) for place in range(DAYS_OF_WEEK)]


def midnight(day: date) -> datetime:
    """Return the instant a day begins in the city."""
    return datetime(day.year, day.month, day.day, tzinfo=CITY_ZONE)


def plain_mail_address(text: str) -> str | None:
    """Return a mail address fit for one header, None for anything else."""
    words = text.strip()
    name, _, host = words.partition("@")
    fits = words.isascii() and words.isprintable() and len(words) <= 254 and words.count("@") == 1
    return words if fits and name and host and not set(words) & set(' ,;<>"()[]\\') else None


def plain_web_address(text: str) -> bool:
    """Return whether an address may be called in principle: http or https, a host, nobody's name, no fragment."""
    try:
        parts = urlsplit(text)
        fits = parts.port != 0
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text and len(text) <= 500
    return fits and plain and parts.scheme in ("http", "https") and bool(parts.hostname) and not (
        parts.username or parts.password or parts.fragment
    )
