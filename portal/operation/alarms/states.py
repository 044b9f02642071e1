"""The states of an alarm after ISA-18.2: what each transition needs and where it leads; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.operation.alarms.rules import ACKNOWLEDGED, NORMAL, RETURNED_UNACKNOWLEDGED, UNACKNOWLEDGED

LATCHED_UNACKNOWLEDGED, LATCHED_ACKNOWLEDGED = 5, 6
SHELVED, SUPPRESSED, OUT_OF_SERVICE, LOCKED = 7, 8, 9, 10
BY_SHELVING, BY_DESIGN, BY_MAINTENANCE, BY_LOCK = 1, 2, 3, 4
STATE_OF_HOLD: Mapping[int, int] = {
    BY_SHELVING: SHELVED, BY_DESIGN: SUPPRESSED, BY_MAINTENANCE: OUT_OF_SERVICE, BY_LOCK: LOCKED,
}  # fmt: skip
BEGIN_OF_HOLD: Mapping[int, str] = {
    BY_SHELVING: "shelve", BY_DESIGN: "suppress", BY_MAINTENANCE: "out_of_service", BY_LOCK: "lock",
}  # fmt: skip
END_OF_HOLD: Mapping[int, str] = {
    BY_SHELVING: "unshelve", BY_DESIGN: "unsuppress", BY_MAINTENANCE: "in_service", BY_LOCK: "unlock",
}  # fmt: skip
HOLD_OF_ACTION: Mapping[str, int] = {action: kind for kind, action in BEGIN_OF_HOLD.items()}
ENDS_HOLD = frozenset(END_OF_HOLD.values())
GAS = 16

OPEN_STATES = frozenset(
    {UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED_UNACKNOWLEDGED, LATCHED_UNACKNOWLEDGED, LATCHED_ACKNOWLEDGED}
)


@dataclass(frozen=True)
class Condition:
    """What is true of an alarm, from which its state follows."""

    acknowledged: bool = False
    cleared: bool = False
    latched: bool = False
    hold: int | None = None
    closed: bool = False
    judged: bool = False
    recorded: bool = False


def state_in(condition: Condition) -> int:
    """Return the code alarm_state of a condition; a hold covers what lies beneath, which goes on all the same."""
    if condition.hold is not None:
        return STATE_OF_HOLD[condition.hold]
    if not condition.cleared:
        return ACKNOWLEDGED if condition.acknowledged else UNACKNOWLEDGED
    if condition.latched:
        return LATCHED_ACKNOWLEDGED if condition.acknowledged else LATCHED_UNACKNOWLEDGED
    return NORMAL if condition.acknowledged else RETURNED_UNACKNOWLEDGED


def refusal(action: str, condition: Condition) -> str | None:
    """Return the code of why a person's action does not fit the condition, or None when it does."""
    if condition.closed and action not in ("note", "judge"):
        return "alarm_closed"
    checks: Mapping[str, tuple[tuple[bool, str], ...]] = {
        "acknowledge": ((condition.acknowledged, "alarm_already_acknowledged"),),
        "reset": (
            (not condition.latched, "alarm_not_latched"),
            (not condition.cleared, "alarm_still_active"),
            (not condition.acknowledged, "alarm_not_acknowledged"),
        ),
        "hold": ((condition.hold is not None, "alarm_held_already"),),
        "release": ((condition.hold is None, "alarm_not_held"),),
        "close": (
            (not condition.acknowledged, "alarm_not_acknowledged"),
            (not condition.cleared, "alarm_still_active"),
            (condition.latched, "alarm_latched"),
            (condition.hold is not None, "alarm_held"),
            (not condition.judged, "alarm_not_judged"),
            (not condition.recorded, "alarm_not_recorded"),
        ),
    }
    return next((code for wrong, code in checks.get(action, ()) if wrong), None)


def latches(kind: int, level: int, gas_level: int) -> bool:
    """Return whether an alarm stays until reset by hand: gas of this level or graver."""
    return kind == GAS and level <= gas_level


def comes_through(hold: int, held_level: int, level: int) -> bool:
    """Return whether an alarm of a level breaks a hold: shelving holds back nothing graver than what was shelved."""
    return hold == BY_SHELVING and level < held_level
