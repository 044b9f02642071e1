"""The states of a proposed correction, and what a change of the enterprise's own value means for it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.proposals.fields import same

PROPOSED, ACCEPTED, REFUSED, APPLIED, WITHDRAWN = 1, 2, 3, 4, 5
STATES = (PROPOSED, ACCEPTED, REFUSED, APPLIED, WITHDRAWN)
RUNNING = (PROPOSED, ACCEPTED)
# Who may do what: the enterprise answers, the regulator takes back, the data follow.
ANSWERS = ("accept", "refuse", "take")
ACTIONS = (*ANSWERS, "withdraw", "follow")
NEEDS_REASON = ("refuse", "withdraw")
REASON_CHARS = 300
_MOVES = {
    ("accept", PROPOSED): ACCEPTED,
    ("refuse", PROPOSED): REFUSED,
    ("refuse", ACCEPTED): REFUSED,
    ("take", PROPOSED): APPLIED,
    ("take", ACCEPTED): APPLIED,
    ("withdraw", PROPOSED): WITHDRAWN,
    ("withdraw", ACCEPTED): WITHDRAWN,
    ("follow", PROPOSED): APPLIED,
    ("follow", ACCEPTED): APPLIED,
}
PLACE = "geom"
SAME_PLACE_M = 0.5


class Refused(ValueError):
    """A step that does not fit; the message is a code of the sentences."""


@dataclass(frozen=True)
class Look:
    """How a correction stands to the enterprise's present value: carried out, or what came between."""

    followed: bool
    conflicts: dict[str, Any] = field(default_factory=dict)


def after(state: int, action: str, reason: str = "") -> int:
    """Return the state after an action; raise Refused with the code of why it does not fit."""
    become = _MOVES.get((action, state))
    if become is None:
        raise Refused("proposal_state" if action in ACTIONS else "proposal_action")
    if action in NEEDS_REASON and not reason.strip():
        raise Refused("proposal_reason")
    return become


def look(
    changes: Mapping[str, Mapping[str, Any]], present: Mapping[str, Any], moved: tuple[float, float] | None
) -> Look:
    """Return whether every wanted value is the present one, and the values that are neither was nor wanted.

    `moved` is for a proposed place: metres from the present place to the one at the time and to the wanted one.
    """
    followed, conflicts = True, dict[str, Any]()
    for name, change in changes.items():
        now = present.get(name)
        if same(now, change["wanted"]):
            continue
        followed = False
        if not same(now, change["was"]):
            conflicts[name] = now
    if moved is not None:
        from_was, from_wanted = moved
        if from_wanted > SAME_PLACE_M:
            followed = False
            if from_was > SAME_PLACE_M:
                conflicts[PLACE] = round(from_was, 1)
    return Look(followed, {} if followed else conflicts)
