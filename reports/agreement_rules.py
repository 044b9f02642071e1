"""What evaluator and evaluated party agree on: weights, floors and targets, grades, collection nodes; pure.

Clause 10.2-6 b: indicators, weights, classes and collection nodes are settled by both parties. The weights are percent
of the whole and make up exactly one hundred; a weight of nothing leaves an indicator out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from portal.core.errors import Invalid
from reports.indicators import DEFINITIONS, GRADES, GROUP_WEIGHTS, Definition

CITY, ENTERPRISE = "city", "enterprise"
PARTIES = (CITY, ENTERPRISE)
AGREED = "agreement"
HUNDRED, CENT = Decimal(100), Decimal("0.01")
LONGEST_NODE, LONGEST_NOTE, SHORTEST_NOTE = 60, 500, 2
# Where the figures of an indicator are collected while nothing else is agreed; message ids.
NODES: Mapping[str, str] = {
    "D1": "telemetry of the points",
    "D2": "receipts of the uploads",
    "D3": "telemetry of the points",
    "D4": "checks of the uploads",
    "D6": "deliveries of network records",
    "A1": "alarm desk",
    "A2": "supervision cases",
    "A3": "judgements of alarms",
    "S1": "records of household checks",
    "S5": "gas leak alarms and their repair",
    "S7": "records of users",
    "O1": "pressure points",
    "O5": "daily volumes of the enterprise",
    "P1": "file of the enterprise",
}


@dataclass(frozen=True)
class Line:
    """What is agreed of one indicator; weight in percent of the whole."""

    weight: Decimal
    target: float
    floor: float
    node: str


@dataclass(frozen=True)
class Terms:
    """One version of an agreement: from which month, the indicators, the least score of each grade, and why."""

    valid_from: date
    lines: Mapping[str, Line]
    grades: Sequence[tuple[float, str]]
    note: str

    def content(self) -> dict[str, Any]:
        """Return the terms as they are stored."""
        lines = {
            key: {"weight": float(each.weight), "target": each.target, "floor": each.floor, "node": each.node}
            for key, each in self.lines.items()
        }
        return {"indicators": lines, "grades": {grade: least for least, grade in self.grades}}

    def total_weight(self) -> Decimal:
        """Return the sum of the weights, percent."""
        return sum((each.weight for each in self.lines.values()), Decimal(0))


def terms_of(valid_from: date, content: Mapping[str, Any], note: str) -> Terms:
    """Return stored terms."""
    lines = {
        key: Line(Decimal(str(each["weight"])), float(each["target"]), float(each["floor"]), str(each["node"]))
        for key, each in content["indicators"].items()
    }
    grades = sorted(((float(least), grade) for grade, least in content["grades"].items()), reverse=True)
    return Terms(valid_from, lines, tuple(grades), note)


def first_terms(valid_from: date, definitions: Sequence[Definition], say: Any) -> Terms:
    """Return what holds without an agreement, as a draft: weights in percent of the whole, hundredths."""
    lines = {
        each.id: Line(weight, each.target, each.floor, say(NODES[each.id]))
        for each, weight in zip(definitions, _percent(definitions), strict=True)
    }
    return Terms(valid_from, lines, GRADES, "")


def _percent(definitions: Sequence[Definition]) -> list[Decimal]:
    """Return the weights of all in percent that make up a hundred; what rounding leaves goes to the largest rests."""
    inside = {group: sum(each.weight for each in definitions if each.group == group) for group in GROUP_WEIGHTS}
    live = sum(weight for group, weight in GROUP_WEIGHTS.items() if inside[group])
    exact = [Decimal(GROUP_WEIGHTS[each.group] * each.weight / inside[each.group] / live) * HUNDRED for each in definitions]
    found = [each.quantize(CENT, ROUND_FLOOR) for each in exact]
    left = int((HUNDRED - sum(found, Decimal(0))) / CENT)
    for place in sorted(range(len(found)), key=lambda n: found[n] - exact[n])[:left]:
        found[place] += CENT
    return found


def parse_terms(given: Mapping[str, str], month: date) -> Terms:
    """Return what a form says; raise Invalid with the code of the first thing that is wrong."""
    lines = {each.id: _line(given, each) for each in DEFINITIONS}
    note = given.get("note", "").replace("\x00", "").strip()[:LONGEST_NOTE]
    if len(note) < SHORTEST_NOTE:
        raise Invalid("agreement_note")
    grades = [(_number(given.get(f"grade_{grade}", "")), grade) for _, grade in GRADES]
    if not all(100 > above > below > 0 for (above, _), (below, _) in zip(grades, grades[1:], strict=False)):
        raise Invalid("agreement_grades")
    made = Terms(month, lines, tuple(grades), note)
    if made.total_weight() != HUNDRED:
        raise Invalid("agreement_weights", total=made.total_weight())
    return made


def _line(given: Mapping[str, str], definition: Definition) -> Line:
    key = definition.id
    try:
        weight = Decimal(given.get(f"weight_{key}", "").strip())
    except InvalidOperation as wrong:
        raise Invalid("agreement_number", indicator=key) from wrong
    if not weight.is_finite() or not 0 <= weight <= HUNDRED or weight != weight.quantize(CENT):
        raise Invalid("agreement_number", indicator=key)
    target, floor = _number(given.get(f"target_{key}", ""), key), _number(given.get(f"floor_{key}", ""), key)
    if (target - floor) * definition.direction <= 0:
        raise Invalid("agreement_target", indicator=key)
    node = given.get(f"node_{key}", "").replace("\x00", "").strip()[:LONGEST_NODE]
    if not node:
        raise Invalid("agreement_node", indicator=key)
    return Line(weight, target, floor, node)


def _number(words: str, key: str = "") -> float:
    try:
        found = float(words.strip())
    except ValueError as wrong:
        raise Invalid("agreement_number", indicator=key) from wrong
    if not math.isfinite(found) or not 0 <= found <= 1e6:
        raise Invalid("agreement_number", indicator=key)
    return found


def with_terms(definitions: Sequence[Definition], terms: Terms) -> tuple[tuple[Definition, ...], dict[str, float]]:
    """Return the definitions with the agreed figures, and the weights of the groups that follow from them."""
    found = tuple(
        replace(each, weight=float(line.weight), target=line.target, floor=line.floor, source=AGREED)
        if (line := terms.lines.get(each.id)) is not None
        else replace(each, weight=0.0)
        for each in definitions
    )
    groups = dict.fromkeys(GROUP_WEIGHTS, 0.0)
    for each in found:
        groups[each.group] += each.weight
    return found, {group: round(weight, 2) for group, weight in groups.items()}
