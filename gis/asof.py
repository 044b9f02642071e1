"""Past states: what was known of an object at an instant, out of its table and the history beside it.

A state was known at an instant when it was stored before it and replaced, if ever, at or after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.core.clock import CITY_ZONE, day_bounds, local
from portal.core.errors import Invalid

# Tables whose former states a trigger keeps in `<name>_history`, with enterprise_id, adcode and geom in both.
HISTORIED = ("gas_node", "gas_pipe", "gas_valve", "gas_regulator", "gas_station", "gas_user", "point")
# A transaction may commit a state somewhat after the instant it carries: tiles that young are not yet fixed.
SETTLED_AFTER = timedelta(hours=1)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_STATES = (
    "(select * from {table} where valid_from < :at union all "
    "select * from {table}_history where valid_from < :at and valid_to >= :at) {alias}"
)


@dataclass(frozen=True)
class Moment:
    """A past instant somebody asks for: `at` excludes itself, `text` is how the address says it."""

    at: datetime
    text: str

    @property
    def day(self) -> date:
        """Return the calendar day of the city it closes or lies in."""
        return local(self.at - timedelta(microseconds=1)).date()

    @property
    def whole_day(self) -> bool:
        """Return whether a day was asked for and not a time in it."""
        return bool(_DAY.fullmatch(self.text))

    def settled(self, now: datetime) -> bool:
        """Return whether no transaction can still add to what was known then."""
        return now - self.at > SETTLED_AFTER


def moment_asked(words: str | None, now: datetime) -> Moment | None:
    """Return the instant that `at=YYYY-MM-DD` (the close of that day) or `at=YYYY-MM-DDTHH:MM` (city time) names.

    Nothing given and the running day are the present: None. Raise Invalid with `map_day_unreadable`
    for what is no day, and `map_day_ahead` for one to come.
    """
    if not words:
        return None
    try:
        if _DAY.fullmatch(words):
            day = date.fromisoformat(words)
            if day == local(now).date():
                return None
            asked = Moment(day_bounds(day)[1], words)
        else:
            given = datetime.fromisoformat(words)
            asked = Moment(given if given.tzinfo else given.replace(tzinfo=CITY_ZONE), words)
        if asked.at < EARLIEST:
            raise ValueError(words)
        ahead = asked.at > now
    except (ValueError, OverflowError) as wrong:
        raise Invalid("map_day_unreadable", value=words[:40]) from wrong
    if ahead:
        raise Invalid("map_day_ahead", value=words[:40])
    return asked


def past_source(source: str) -> str:
    """Return the SQL that stands for `<table> <alias>` at the bound instant `:at`; raise KeyError without history."""
    table, _, alias = source.partition(" ")
    if table not in HISTORIED or not alias.isidentifier():
        raise KeyError(source)
    return _STATES.format(table=table, alias=alias)


def states_at(model: Any) -> str:
    """Return the SQL of a model's rows at the bound instant `:at`, under the alias `t`."""
    return past_source(f"{model.__tablename__} t")
