"""What may be asked of the network: places struck, valves that cannot be closed, which plan, which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.errors import Invalid

LAYERS = ("pipe", "valve", "regulator", "station", "user", "node")
PLACES_MOST = 5
STUCK_MOST = 40
PLANS_MOST = 5
DIGITS_MOST = 18
WAYS = ("up", "down", "sources")


@dataclass(frozen=True)
class At:
    """One object by its layer and its number."""

    layer: str
    number: int

    def __str__(self) -> str:
        """Return it as it stands in an address."""
        return f"{self.layer}:{self.number}"


@dataclass(frozen=True)
class Question:
    """A question for isolation: up to five places shut off at once, stuck valves, and the plan looked at, from 1."""

    places: tuple[At, ...]
    stuck: tuple[int, ...] = ()
    plan: int | None = None

    def args(self, **other: int) -> dict[str, str]:
        """Return it as arguments of an address; `plan` may be another one."""
        plan = other.get("plan", self.plan)
        found = {"at": ",".join(str(each) for each in self.places)}
        if self.stuck:
            found["stuck"] = ",".join(str(each) for each in self.stuck)
        if plan is not None:
            found["plan"] = str(plan)
        return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MOST else None


def parse_place(text: str) -> At:
    """Return the object of `layer:number`; raise Invalid for anything else."""
    layer, _, digits = text.strip().partition(":")
    number = _number(digits)
    if layer not in LAYERS or not number:
        raise Invalid("network_place_unreadable", said=text[:60])
    return At(layer, number)


def parse_question(given: Mapping[str, str]) -> Question:
    """Return what `at`, `stuck` and `plan` ask; raise Invalid for what cannot be read or is too much."""
    said = [each for each in given.get("at", "").split(",") if each.strip()]
    if not said:
        raise Invalid("network_place_needed")
    if len(said) > PLACES_MOST:
        raise Invalid("network_places_too_many", most=PLACES_MOST)
    stuck = [_number(each.strip()) for each in given.get("stuck", "").split(",") if each.strip()]
    if None in stuck or len(stuck) > STUCK_MOST:
        raise Invalid("network_valves_unreadable", most=STUCK_MOST)
    places = tuple(dict.fromkeys(parse_place(each) for each in said))
    return Question(places, tuple(dict.fromkeys(each for each in stuck if each)), _plan(given.get("plan", "")))


def _plan(text: str) -> int | None:
    if not text:
        return None
    number = _number(text.strip())
    if number is None or not 1 <= number <= PLANS_MOST:
        raise Invalid("network_plan_unknown", most=PLANS_MOST)
    return number


def parse_way(text: str | None) -> str:
    """Return the way of a trace; raise Invalid for an unknown one."""
    if text not in WAYS:
        raise Invalid("network_way_unknown")
    return text
