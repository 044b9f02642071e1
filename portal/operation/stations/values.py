"""What stations read now: each instrument with value, state and alarm in words; totals of a station."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext

from portal.core.clock import local
from portal.core.codes import word_of
from portal.operation.stations.pictures import Picture
from portal.operation.stations.rules import (
    BAD,
    NONE,
    STALE,
    Candidate,
    bound,
    filled_share,
    moves,
    shown_digits,
    state_of,
)

LIMITS = ("low_low", "low", "high", "high_high")
BACK_FILLED = 1


@dataclass(frozen=True)
class Totals:
    """How a station stands: worst open alarm (0: none), how many alarms, stale, bad and all points."""

    level: int
    alarms: int
    unseen: bool
    stale: int
    bad: int
    points: int

    @property
    def calm(self) -> bool:
        """Return whether nothing asks for attention."""
        return self.level == 0 and self.stale == 0 and self.bad == 0 and self.points > 0


def instruments_of(
    picture: Picture, rows: Sequence[Any], decided: Mapping[str, int | None], now: datetime, language: str
) -> dict[str, dict[str, Any]]:
    """Return slot -> what its instrument shows; a slot without a point is not connected."""
    points = {row.id: row for row in rows}
    candidates = [Candidate(row.id, row.measure, row.name or "", row.src_code, row.own) for row in rows]
    at = bound(picture.slots, candidates, decided)
    found = {}
    for slot in picture.slots:
        row = points.get(at.get(slot.key, -1))
        found[slot.key] = {"label": slot.label(language), "role": slot.role} | (
            reading_shown(row, now, language) if row else {"point": None, "state": NONE, "word": gettext("Not connected")}
        )
    return found


def reading_shown(row: Any, now: datetime, language: str) -> dict[str, Any]:
    """Return a point's newest reading: text, unit, state with its words, alarm, share of the range and of its limits."""
    state = state_of(row.ts, row.quality, row.value, row.period_s, now)
    digits = shown_digits(row.range_low, row.range_high)
    return {
        "point": row.id,
        "name": row.name or row.src_code,
        "code": row.src_code,
        "measure": row.measure,
        "value": row.value,
        "text": "–" if row.value is None else f"{row.value:,.{digits}f}",
        "unit": row.unit,
        "state": state,
        "word": _word(row, state, now, language),
        "at": row.ts.isoformat() if row.ts else None,
        "level": row.level or 0,
        "unseen": bool(row.unseen) and bool(row.level),
        "alarm": row.alarm_id,
        "alarm_word": word_of("alarm_level", row.level, language) if row.level else "",
        "share": filled_share(row.value, row.range_low, row.range_high),
        "marks": [
            share
            for name in LIMITS
            if (share := filled_share(getattr(row, name), row.range_low, row.range_high)) is not None
        ],
        "moves": moves(row.value, state, row.range_low, row.range_high),
    }


def _word(row: Any, state: str, now: datetime, language: str) -> str:
    if state == NONE:
        return gettext("Never read")
    if state == STALE:
        then = local(row.ts)
        shown = then.strftime("%H:%M") if then.date() == local(now).date() else then.strftime("%m-%d %H:%M")
        return gettext("Stale since %(at)s", at=shown)
    if state == BAD:
        return gettext("Bad: %(quality)s", quality=word_of("quality", row.quality, language))
    return gettext("back-filled") if row.flag == BACK_FILLED else ""


def totals_of(rows: Sequence[Any], now: datetime) -> Totals:
    """Return how a station stands, from its points."""
    states = [state_of(row.ts, row.quality, row.value, row.period_s, now) for row in rows]
    levels = [row.level for row in rows if row.level]
    return Totals(
        level=min(levels, default=0),
        alarms=sum(int(row.alarms or 0) for row in rows),
        unseen=any(row.unseen for row in rows),
        stale=sum(state in (STALE, NONE) for state in states),
        bad=states.count(BAD),
        points=len(rows),
    )


def by_role(instruments: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return role (in, out, flow, level) -> the first connected instrument that has it."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in instruments.values():
        if each["role"] and each["point"] is not None:
            found.setdefault(each["role"], each)
    return found


def left_over(
    instruments: Mapping[str, Mapping[str, Any]], rows: Sequence[Any], now: datetime, language: str
) -> list[dict[str, Any]]:
    """Return the points of a station that no instrument shows."""
    shown = {each["point"] for each in instruments.values()}
    return [
        reading_shown(row, now, language) | {"measure_word": word_of("measure", row.measure, language)}
        for row in rows
        if row.id not in shown
    ]
