"""Supervision cases: terms, steps allowed in each state, working time, clock colour and escalation; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from portal.core.clock import CITY_ZONE, local


class State(IntEnum):
    """States of a case, CJJ/T 312-2021; codes of the dictionary case_state."""

    REPORTED = 10
    AWAITING_ACCEPTANCE = 11
    NOT_ACCEPTED = 12
    FILED = 20
    AWAITING_DISPATCH = 30
    DISPATCHED = 31
    HANDLING = 40
    EXTENSION_ASKED = 41
    SUSPENDED = 42
    REPLIED = 50
    VERIFYING = 60
    VERIFICATION_FAILED = 61
    CLOSED = 70
    ARCHIVED = 80
    VOID = 90


URGENT, QUICK, GENERAL, DIFFICULT, WORKS = 1, 2, 3, 4, 5
WITH_ENTERPRISE = frozenset({State.DISPATCHED, State.HANDLING, State.EXTENSION_ASKED})
ENDED = frozenset({State.NOT_ACCEPTED, State.CLOSED, State.ARCHIVED, State.VOID})
RUNNING = frozenset(State) - ENDED

# action -> states it may be taken in -> state afterwards (None: unchanged)
STEPS: Mapping[str, tuple[frozenset[State], State | None]] = {
    "accept": (frozenset({State.REPORTED, State.AWAITING_ACCEPTANCE}), State.FILED),
    "refuse": (frozenset({State.REPORTED, State.AWAITING_ACCEPTANCE}), State.NOT_ACCEPTED),
    "dispatch": (frozenset({State.FILED, State.AWAITING_DISPATCH}), State.DISPATCHED),
    "reply": (WITH_ENTERPRISE, State.REPLIED),
    "verify": (frozenset({State.REPLIED}), State.VERIFYING),
    "return": (frozenset({State.REPLIED, State.VERIFYING}), State.HANDLING),
    "close": (frozenset({State.VERIFYING}), State.CLOSED),
    "extend": (WITH_ENTERPRISE, None),
    "urge": (RUNNING, None),
    "void": (RUNNING, State.VOID),
}

EXTENSIONS_MOST = 1
EXTENSION_MOST_SHARE = 0.5
MORNING = (time(8, 30), time(12, 0))
AFTERNOON = (time(14, 0), time(17, 30))
WORKING_MINUTES_A_DAY = 420


@dataclass(frozen=True)
class Terms:
    """The terms of a case: its class, its limit, and whether working time is counted."""

    case_class: int
    limit_minutes: int
    working_time: bool


# Limits by class are defaults of the portal: urgent 2 h, quick 24 h, general 3 and difficult 7
# working days, works 30 days; parameters case.limit_minutes.<class> override them.
DEFAULT_TERMS: Mapping[int, Terms] = {
    URGENT: Terms(URGENT, 2 * 60, False),
    QUICK: Terms(QUICK, 24 * 60, False),
    GENERAL: Terms(GENERAL, 3 * WORKING_MINUTES_A_DAY, True),
    DIFFICULT: Terms(DIFFICULT, 7 * WORKING_MINUTES_A_DAY, True),
    WORKS: Terms(WORKS, 30 * 24 * 60, False),
}
CLASS_OF_ALARM_LEVEL: Mapping[int, int] = {1: URGENT, 2: QUICK}


@dataclass(frozen=True)
class WorkCalendar:
    """Monday to Friday are worked, but for the exceptions."""

    exceptions: Mapping[date, bool] = field(default_factory=dict)

    def is_worked(self, day: date) -> bool:
        """Return whether a day is worked."""
        return self.exceptions.get(day, day.weekday() < 5)


def case_terms(level: int, limits: Mapping[int, int] | None = None) -> Terms | None:
    """Return the terms of the case that an alarm of a level opens; None for levels 3 and 4."""
    case_class = CLASS_OF_ALARM_LEVEL.get(level)
    return None if case_class is None else terms_of(case_class, limits)


def terms_of(case_class: int, limits: Mapping[int, int] | None = None) -> Terms:
    """Return the terms of a case class, with the limit in minutes that is in force."""
    default = DEFAULT_TERMS[case_class]
    minutes = (limits or {}).get(case_class, default.limit_minutes)
    return Terms(case_class, minutes, default.working_time)


def due_at(opened_at: datetime, terms: Terms, calendar: WorkCalendar) -> datetime:
    """Return when a case opened at an instant is due."""
    if terms.working_time:
        return add_working_minutes(opened_at, terms.limit_minutes, calendar)
    return opened_at + timedelta(minutes=terms.limit_minutes)


def add_working_minutes(start: datetime, minutes: int, calendar: WorkCalendar) -> datetime:
    """Return the instant when so many minutes of working hours (08:30-12:00, 14:00-17:30) have passed."""
    left = timedelta(minutes=minutes)
    moment = local(start)
    day = moment.date()
    for _ in range(3660):
        for begin, end in _shifts(day, calendar):
            entered = max(begin, moment)
            if entered >= end:
                continue
            if left <= end - entered:
                return (entered + left).astimezone(start.tzinfo)
            left -= end - entered
        day += timedelta(days=1)
    raise ValueError("the calendar holds no working time within ten years")


def _shifts(day: date, calendar: WorkCalendar) -> list[tuple[datetime, datetime]]:
    if not calendar.is_worked(day):
        return []
    return [
        (datetime.combine(day, begin, CITY_ZONE), datetime.combine(day, end, CITY_ZONE))
        for begin, end in (MORNING, AFTERNOON)
    ]


def may(action: str, state: int) -> bool:
    """Return whether an action is allowed in a state."""
    return State(state) in STEPS[action][0]


def state_after(action: str, state: int) -> int:
    """Return the state after an action; the same one when it changes none."""
    following = STEPS[action][1]
    return int(state if following is None else following)


def clock_colour(opened_at: datetime, due: datetime, now: datetime) -> str:
    """Return green over half of the limit left, yellow to a fifth, orange below, red when overdue."""
    left = (due - now) / max(due - opened_at, timedelta(seconds=1))
    if left <= 0:
        return "red"
    if left < 0.2:
        return "orange"
    return "yellow" if left <= 0.5 else "green"


def escalation(opened_at: datetime, due: datetime, now: datetime) -> int | None:
    """Return the rung of urging: 0 at 80 % of the limit, 1 when due, 2 a quarter (4 h at least) later."""
    limit = due - opened_at
    if now >= due + max(limit * 0.25, timedelta(hours=4)):
        return 2
    if now >= due:
        return 1
    return 0 if now >= opened_at + limit * 0.8 else None


def is_overdue(due: datetime, now: datetime, closed_at: datetime | None = None) -> bool:
    """Return whether a case is, or was at its end, past its limit."""
    return (closed_at or now) > due


def extension_most(opened_at: datetime, due: datetime) -> timedelta:
    """Return the longest extension that may be granted."""
    return (due - opened_at) * EXTENSION_MOST_SHARE
