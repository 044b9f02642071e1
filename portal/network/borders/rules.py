"""What may become of a finding between two enterprises; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["a", "b", "city"]
OPEN, JOINED, DISMISSED = 1, 2, 3
STATES = (OPEN, JOINED, DISMISSED)
GAP = "gap"
KINDS = ("gap", "jump", "double")
ACTIONS = ("say_yes", "say_no", "join", "dismiss", "undo")
REASON_CHARS = 300


@dataclass(frozen=True)
class Standing:
    """How a finding stands: its kind and state, what both parties said, and who decided."""

    kind: str
    state: int = OPEN
    say_a: str | None = None
    say_b: str | None = None
    decided_by: str | None = None


class Refused(ValueError):
    """An action that does not fit; the message is a code of the sentences."""


def after(now: Standing, action: str, side: Side, reason: str = "") -> Standing:
    """Return how a finding stands after an action; raise Refused.

    A joint needs two ends of one pressure class, which only a gap has. Two parties that both say yes join
    it; the city joins or dismisses with a reason. A decision is undone by the city, one of both parties by
    either of them too; what was said is then asked anew.
    """
    if action in ("say_yes", "say_no"):
        return _said(now, action, side)
    if action == "undo":
        if now.state == OPEN:
            raise Refused("border_not_decided")
        if side != "city" and now.decided_by != "both":
            raise Refused("border_city_decided")
        return Standing(now.kind)
    if side != "city":
        raise Refused("border_city_only")
    if now.state != OPEN:
        raise Refused("border_decided")
    if not reason.strip():
        raise Refused("border_reason")
    if action == "join":
        if now.kind != GAP:
            raise Refused("border_no_joint")
        return Standing(now.kind, JOINED, now.say_a, now.say_b, "city")
    return Standing(now.kind, DISMISSED, now.say_a, now.say_b, "city")


def _said(now: Standing, action: str, side: Side) -> Standing:
    if side == "city":
        raise Refused("border_party_only")
    if now.kind != GAP:
        raise Refused("border_no_joint")
    if now.state != OPEN:
        raise Refused("border_decided")
    word = "yes" if action == "say_yes" else "no"
    say_a, say_b = (word, now.say_b) if side == "a" else (now.say_a, word)
    joined = say_a == say_b == "yes"
    return Standing(now.kind, JOINED if joined else OPEN, say_a, say_b, "both" if joined else None)


def side_of(enterprise_id: int | None, a: int, b: int, whole_city: bool) -> Side | None:
    """Return for whom somebody speaks of a finding: a party for itself, the city over the whole city, else nobody."""
    if enterprise_id is not None:
        return "a" if enterprise_id == a else "b" if enterprise_id == b else None
    return "city" if whole_city else None
