"""Onboarding: which step follows which state, who may take it, and which cases a test report asks for; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ingestion_adapters.contract import DATASETS

Taker = Literal["applicant", "district", "city"]
DOORS = ("http", "mqtt", "drop", "upload", "pull")
DOCUMENTS = ("licence", "safety", "system", "other")
PATH = ("applied", "district_passed", "city_passed", "testing", "live_asked", "live")
ENDED = ("refused", "withdrawn", "live")
WITH_OBJECTS = frozenset({"NET", "USR", "RT", "ALM"})
WITH_LIMIT = frozenset({"RT", "HAZ", "EXC", "EVT", "PAT", "CHK", "MTH"})
# What a message is refused or noted for when one of its rows is wrong.
ROW_CODES = frozenset(
    {"E_SCHEMA", "E_DICT", "E_RANGE", "E_TIME", "E_FUTURE", "E_TOO_OLD", "E_GEOMETRY", "E_CRS", "E_DUPLICATE_KEY"}
)


@dataclass(frozen=True)
class Move:
    """A step: from which states, to which, by whom, with a reason or not, and what limits the next step."""

    begins: tuple[str, ...]
    ends: str
    taker: Taker
    reason: bool = False
    limit: str | None = None


MOVES: Mapping[str, Move] = {
    "district_pass": Move(("applied",), "district_passed", "district", limit="onboarding.city_days"),
    "district_refuse": Move(("applied",), "refused", "district", reason=True),
    "city_pass": Move(("district_passed",), "city_passed", "city", limit="onboarding.data_days"),
    "city_refuse": Move(("district_passed",), "refused", "city", reason=True),
    "sandbox_key": Move(("city_passed", "testing"), "testing", "applicant", limit="onboarding.data_days"),
    "ask_live": Move(("testing",), "live_asked", "applicant", limit="onboarding.city_days"),
    "live_pass": Move(("live_asked",), "live", "city"),
    "live_back": Move(("live_asked",), "testing", "city", reason=True, limit="onboarding.data_days"),
    "live_key": Move(("live",), "live", "applicant"),
    "withdraw": Move(PATH[:-1], "withdrawn", "applicant", reason=True),
}
REVIEWS = ("district_pass", "district_refuse", "city_pass", "city_refuse", "live_pass", "live_back")
DEFAULT_DAYS: Mapping[str, int] = {
    "onboarding.district_days": 3,
    "onboarding.city_days": 2,
    "onboarding.data_days": 7,
}


@dataclass(frozen=True)
class Person:
    """Who wants to take a step."""

    id: int | None
    taker: frozenset[Taker]


def refusal_of(step: str, state: str, person: Person, applied_by: int | None, before: Sequence[int | None]) -> str:
    """Return why a person may not take a step, empty when he may.

    Codes: onboarding_state, onboarding_not_yours, onboarding_four_eyes. `before` are those who reviewed already.
    """
    move = MOVES[step]
    if state not in move.begins:
        return "onboarding_state"
    if move.taker not in person.taker:
        return "onboarding_not_yours"
    if step in REVIEWS and person.id is not None:
        if person.id == applied_by:
            return "onboarding_four_eyes"
        if step.startswith("city") and person.id in before:
            return "onboarding_four_eyes"
    return ""


@dataclass(frozen=True)
class Run:
    """One message that was tried in the sandbox."""

    dataset: str
    status: int
    code: str | None
    encoding: str
    rows: int
    accepted: int
    rejected: int
    late: int
    codes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One required case of the test report; `dataset` is empty where it concerns the program as a whole."""

    name: str
    dataset: str
    passed: bool


def cases_of(datasets: Sequence[str], runs: Sequence[Run]) -> list[Case]:
    """Return the required cases of the datasets declared, each passed or not by what was tried."""
    found = [
        Case("signature", "", any(run.code == "E_SIGN" for run in runs)),
        Case("replay", "", any(run.code == "E_REPLAY" for run in runs)),
        Case("compressed", "", any(run.encoding in ("gzip", "zstd") and run.status == 200 for run in runs)),
    ]
    for dataset in (each for each in DATASETS if each in datasets):
        found += _dataset_cases(dataset, [run for run in runs if run.dataset == dataset])
    return found


def _dataset_cases(dataset: str, runs: Sequence[Run]) -> list[Case]:
    found = [
        Case("good", dataset, any(run.status == 200 and run.rows > 0 and run.rejected == 0 for run in runs)),
        Case("bad_row", dataset, any(ROW_CODES & run.codes.keys() for run in runs)),
    ]
    if dataset in WITH_OBJECTS:
        found.append(Case("unknown_object", dataset, any("E_UNKNOWN_OBJECT" in run.codes for run in runs)))
    if dataset in WITH_LIMIT:
        found.append(Case("late", dataset, any(run.late > 0 for run in runs)))
    return found


def passes(cases: Sequence[Case]) -> bool:
    """Return whether every required case is passed."""
    return bool(cases) and all(case.passed for case in cases)
