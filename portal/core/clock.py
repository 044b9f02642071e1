"""Time: instants are aware and UTC inside, Asia/Shanghai at the edge, and a gas day starts at a set hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")
GAS_DAY_STARTS_AT_H = 8


def utc_now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


def local(instant: datetime) -> datetime:
    """Return an instant in the city's zone."""
    return instant.astimezone(CITY_ZONE)


def gas_day(instant: datetime) -> date:
    """Return the gas day of an instant: it starts at 08:00 city time and is named after that date."""
    return (local(instant) - timedelta(hours=GAS_DAY_STARTS_AT_H)).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return begin and end (exclusive) of a calendar day of the city, in UTC."""
    begin = datetime.combine(day, time(), CITY_ZONE)
    return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """Return begin and end (exclusive) of the calendar month that holds `month`, in UTC."""
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return (
        datetime.combine(first, time(), CITY_ZONE).astimezone(UTC),
        datetime.combine(following, time(), CITY_ZONE).astimezone(UTC),
    )
