"""Solving scenarios on the stored network: the newest answers stay in memory, and the solver is warm before anyone asks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from gis.hydraulics.fresh import known_flow
from gis.hydraulics.scenario import Measured, Scenario, Solved, solve_scenario
from gis.network.fresh import Version
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import local, utc_now
from portal.core.db import transaction
from portal.core.errors import Invalid
from portal.network.hydraulics.queries import Adjusted, adjusted_figures, measured_flows
from portal.network.hydraulics.rules import Verdict, judge

KEPT_MOST = 12
# Flow readings move all the time; an answer by them holds so long.
MEASURED_EACH_S = 60


@dataclass(frozen=True)
class Answer:
    """A scenario solved and judged, with the version of the network and the figures it rests on."""

    solved: Solved
    verdict: Verdict
    adjusted: Adjusted
    version: Version
    by_readings: bool
    at: datetime


_answers: OrderedDict[object, Answer] = OrderedDict()
_lock = threading.Lock()


def answer_of(settings: Settings, scenario: Scenario, *, by_readings: bool) -> Answer:
    """Return the steady state of a scenario over all enterprises, since gas crosses their borders.

    With `by_readings` demands are scaled to what gates send in just now. Raises Invalid while no pipe is stored.
    """
    now = utc_now()
    with transaction(settings, CITY) as session:
        adjusted = adjusted_figures(session)
        measured = measured_flows(session, now, adjusted.reading_age) if by_readings else Measured()
    homes = frozenset(code for code, each in adjusted.figures.classes.items() if each.per_household)
    known = known_flow(settings, homes)
    if not len(known.stored.grid.pipes):
        raise Invalid("network_empty")
    key = (
        settings.app_database_url, known.version, scenario, repr(adjusted),
        int(now.timestamp() // MEASURED_EACH_S) if by_readings else None,
    )  # fmt: skip
    with _lock:
        found = _answers.get(key)
        if found is not None:
            _answers.move_to_end(key)
            return found
    solved = solve_scenario(known.stored, adjusted.figures, scenario, measured)
    made = Answer(solved, judge(solved, adjusted.limits), adjusted, known.version, by_readings, now)
    with _lock:
        _answers[key] = made
        while len(_answers) > KEPT_MOST:
            _answers.popitem(last=False)
    return made


def hour_now() -> int:
    """Return the hour of the city's day."""
    return int(local(utc_now()).hour)


def warm(settings: Settings) -> None:
    """Load the network and solve it once, so that the first who asks waits for neither; without pipes nothing is done."""
    try:
        answer_of(settings, Scenario(hour=hour_now()), by_readings=True)
    except Invalid:
        return
