"""Indicators of the operational evaluation: definitions, scores, weights and grades; pure.

Formulas, floors, targets and weights are those of the evaluation model described in
`docs/units-and-formulas.md`; every figure is a default until evaluator and evaluated party agree on
another one (clause 10.2 b): for all in the table `parameter`, for one enterprise in an agreement (`reports/agreements.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

MODEL_VERSION = "EV-1"
DEFAULT = "default"

GROUP_WEIGHTS: Mapping[str, float] = {
    "data": 20.0,
    "alarm": 10.0,
    "safety": 30.0,
    "operation": 20.0,
    "emergency": 10.0,
    "service": 10.0,
}
GRADES: Sequence[tuple[float, str]] = ((90, "A"), (80, "B"), (70, "C"), (60, "D"))
LOWEST_GRADE = "E"


@dataclass(frozen=True)
class Definition:
    """One indicator: what it measures and how a value becomes a score.

    `direction` is +1 when more is better, -1 when less is; the score is 0 at `floor` and 100 at
    `target`. `name`, `formula` and `measure` are message ids.
    """

    id: str
    group: str
    name: str
    formula: str
    measure: str
    direction: int
    target: float
    floor: float
    weight: float
    unit: str = "%"
    source: str = DEFAULT


@dataclass(frozen=True)
class Measured:
    """What the database says about one indicator; `value` is None when there is nothing to judge."""

    numerator: float | None
    denominator: float | None
    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """One indicator judged; `weight` as agreed, `share` its part of the total after re-normalising."""

    definition: Definition
    measured: Measured
    score: float | None
    share: float = 0.0


@dataclass(frozen=True)
class Total:
    """The total: score 0-100, grade, the share of weight that carried data, and the groups' scores."""

    score: float | None
    grade: str
    coverage: float
    groups: tuple[tuple[str, float, float | None], ...]


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "D1",
        "data",
        "Data online rate",
        "online minutes / minutes due",
        "Repair silent points and their communication links; check power supply of RTUs.",
        1,
        98,
        85,
        5,
    ),
    Definition(
        "D2",
        "data",
        "Data timeliness",
        "readings received in time / readings received",
        "Shorten the upload chain, send live data before back-filled data.",
        1,
        95,
        80,
        4,
    ),
    Definition(
        "D3",
        "data",
        "Data completeness",
        "valid readings / readings expected",
        "Back-fill gaps within 72 h and replace sensors that deliver bad quality.",
        1,
        97,
        85,
        5,
    ),
    Definition(
        "D4",
        "data",
        "Data accuracy",
        "valid readings / (readings received + rejected)",
        "Check ranges and units of points with implausible values; correct refused rows at the source.",
        1,
        99,
        90,
        4,
    ),
    Definition(
        "D6",
        "data",
        "Conformity of static data",
        "records without error / records delivered",
        "Correct the quarantined network records and deliver them again.",
        1,
        98,
        85,
        2,
    ),
    Definition(
        "A1",
        "alarm",
        "Alarms acknowledged in time",
        "acknowledged within the limit / alarms of level 1 and 2",
        "Staff the duty desk around the clock and acknowledge urgent and important alarms within the limit.",
        1,
        98,
        80,
        4,
    ),
    Definition(
        "A2",
        "alarm",
        "Cases closed on time",
        "closed on time / cases due",
        "Name a responsible person for each case and report before the deadline.",
        1,
        98,
        80,
        4,
    ),
    Definition(
        "A3",
        "alarm",
        "False alarm rate",
        "false alarms / alarms judged true or false",
        "Recalibrate the detectors that raised false alarms; review limits and delays.",
        -1,
        5,
        30,
        2,
    ),
    Definition(
        "S1",
        "safety",
        "Household safety checks",
        "users checked within the interval / users in service",
        "Plan the overdue safety checks by community and report progress weekly.",
        1,
        95,
        70,
        8,
    ),
    Definition(
        "S5",
        "safety",
        "Leaks repaired in time",
        "repaired within the limit / true gas leak alarms",
        "Keep crews and material ready so that a leak is repaired within 24 h.",
        1,
        98,
        80,
        14,
    ),
    Definition(
        "S7",
        "safety",
        "Detectors at non-residential users",
        "users with detector / non-residential users in service",
        "Fit gas detectors at the remaining non-residential users before gas is supplied further.",
        1,
        100,
        80,
        8,
    ),
    Definition(
        "O1",
        "operation",
        "Pressure compliance",
        "pressure readings within limits / valid pressure readings",
        "Check set pressures and filters of regulators whose pressure left its limits.",
        1,
        99.5,
        95,
        12,
    ),
    Definition(
        "O5",
        "operation",
        "Unaccounted-for gas",
        "(in − sold − own use − change of linepack) / in",
        "Check metering at gate stations and large users, search for leaks, correct the reading cycle.",
        -1,
        3,
        8,
        8,
    ),
    Definition(
        "P1",
        "service",
        "Validity of the operating licence",
        "licences valid at the end of the period / licences due",
        "Renew the gas operating licence before it expires.",
        1,
        100,
        90,
        10,
    ),
)

# Indicators of the model whose data sets no enterprise delivers yet; said in the report, never guessed.
NOT_COVERED: tuple[tuple[str, str, str], ...] = (
    ("D5", "Repair rate of data gaps", "gap events are not recorded"),
    ("S2", "Rectification of hidden dangers", "not computed yet from data set HAZ"),
    ("S3 S4", "Patrol and leak survey completion", "not computed yet from data set PAT"),
    ("S6 S8", "Leaks and third-party damage per 100 km", "a full year of records is needed"),
    ("O3 O4", "Reliability and efficiency of devices", "maintenance records are not connected"),
    ("O6", "Supply continuity (SAIDI)", "not computed yet from data set EVT"),
    ("O7 O8", "Forecast accuracy and storage compliance", "not computed yet from data set MTH"),
    ("E1 E2", "Emergency response and drills", "not computed yet from data sets EVT and DRL"),
    ("V1", "Repair service and satisfaction", "not computed yet from data set MTH"),
)

GROUP_NAMES: Mapping[str, str] = {
    "data": "Data quality",
    "alarm": "Alarm handling",
    "safety": "Safety management",
    "operation": "Operation",
    "emergency": "Emergency readiness",
    "service": "Service and compliance",
}

LIMITS: Mapping[str, float] = {
    "ack_limit_min": 30.0,
    "repair_limit_h": 24.0,
    "check_interval_months": 24.0,
    "check_interval_other_months": 12.0,
}


def with_agreed(definitions: Sequence[Definition], agreed: Mapping[str, tuple[float, str]]) -> tuple[Definition, ...]:
    """Return the definitions with agreed figures, keyed such as `D1.target`, each with its source."""
    found = []
    for each in definitions:
        for field in ("target", "floor", "weight"):
            if f"{each.id}.{field}" in agreed:
                value, source = agreed[f"{each.id}.{field}"]
                each = replace(each, **{field: value}, source=source)
        found.append(each)
    return tuple(found)


def limits_in_force(agreed: Mapping[str, tuple[float, str]]) -> dict[str, float]:
    """Return the time limits that the figures are counted against, agreed ones before defaults."""
    return {name: agreed[name][0] if name in agreed else default for name, default in LIMITS.items()}


def score_of(value: float, *, floor: float, target: float) -> float:
    """Return 0-100, linear from floor to target, clipped; floor above target means less is better."""
    if floor == target:
        return 100.0 if value == target else 0.0
    return min(100.0, max(0.0, (value - floor) / (target - floor) * 100.0))


def judge(definition: Definition, measured: Measured) -> Outcome:
    """Return the indicator with its score, or without one when nothing was measured."""
    if measured.value is None:
        return Outcome(definition, measured, None)
    score = score_of(measured.value, floor=definition.floor, target=definition.target)
    return Outcome(definition, measured, score)


def with_shares(outcomes: Sequence[Outcome], weights: Mapping[str, float] = GROUP_WEIGHTS) -> tuple[Outcome, ...]:
    """Return the outcomes with their share (percent) of the total.

    A group's weight is spread over its indicators that carry data, the total over groups that do; `weights` are
    those of the groups.
    """
    live_groups = {each.definition.group for each in outcomes if each.score is not None and each.definition.weight}
    weight_of_groups = sum(weights[group] for group in live_groups)
    found = []
    for each in outcomes:
        if each.score is None or not each.definition.weight:
            found.append(replace(each, share=0.0))
            continue
        group = each.definition.group
        inside = sum(
            other.definition.weight for other in outcomes if other.score is not None and other.definition.group == group
        )
        share = weights[group] / weight_of_groups * each.definition.weight / inside * 100
        found.append(replace(each, share=share))
    return tuple(found)


def total_of(
    outcomes: Sequence[Outcome],
    weights: Mapping[str, float] = GROUP_WEIGHTS,
    grades: Sequence[tuple[float, str]] = GRADES,
) -> Total:
    """Return total score, grade, coverage (percent of agreed weight with data) and group scores."""
    groups = tuple((group, weight, _group_score(group, outcomes)) for group, weight in weights.items())
    with_data = [(weight, score) for _, weight, score in groups if score is not None and weight]
    coverage = sum(_covered(group, outcomes) * weight for group, weight, _ in groups)
    if not with_data:
        return Total(None, "", 0.0, groups)
    score = sum(weight * points for weight, points in with_data) / sum(weight for weight, _ in with_data)
    return Total(score, grade_of(score, grades), coverage, groups)


def grade_of(score: float, grades: Sequence[tuple[float, str]] = GRADES) -> str:
    """Return the grade of a score, where nothing else was agreed A from 90, B from 80, C from 70, D from 60; else E."""
    return next((grade for least, grade in grades if score >= least), LOWEST_GRADE)


def _group_score(group: str, outcomes: Sequence[Outcome]) -> float | None:
    own = [each for each in outcomes if each.definition.group == group]
    scored = [(each.definition.weight, each.score) for each in own if each.score is not None and each.definition.weight]
    if not scored:
        return None
    return sum(weight * score for weight, score in scored) / sum(weight for weight, _ in scored)


def _covered(group: str, outcomes: Sequence[Outcome]) -> float:
    """Return which part (0-1) of a group's own weight carried data."""
    own = [each for each in outcomes if each.definition.group == group]
    whole = sum(each.definition.weight for each in own)
    return sum(each.definition.weight for each in own if each.score is not None) / whole if whole else 0.0


def ratio(numerator: float | None, denominator: float | None, reason: str) -> Measured:
    """Return a percentage, or no value with the reason when the denominator is empty."""
    if numerator is None or not denominator:
        return Measured(numerator, denominator, None, reason)
    return Measured(numerator, denominator, 100.0 * numerator / denominator)


def lost_share(purchased_m3: float, sold_m3: float, own_use_m3: float, linepack_change_m3: float) -> float:
    """Return unaccounted-for gas in percent of the gas taken in.

    Checked: in 10 250, sold 9 840, own use 0, linepack −30 m³ → 4.29 %.
    """
    return (purchased_m3 - sold_m3 - own_use_m3 - linepack_change_m3) / purchased_m3 * 100.0
