"""Who may change what: the level a change of rules touches, and whether somebody may release it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.core.actor import Actor
from portal.operation.limits.ruleset import CHECKS, LIMIT_NAMES, RuleSet, as_content, from_content

COMMON = ("seasons", "hours", "on_delay_s", "off_delay_s", "deadband_low", "deadband_high", "latch")
DRAFTING = "limit.draft"
LOWEST = 4


def changed_parts(before: RuleSet, after: RuleSet) -> list[str]:
    """Return the names of limits, checks and settings in which two sets of rules differ."""
    one, other = as_content(before), as_content(after)
    return [name for name in (*LIMIT_NAMES, *COMMON, *CHECKS) if one.get(name) != other.get(name)]


def grade_of(before: RuleSet, after: RuleSet) -> int:
    """Return the gravest level of alarm that a change sets, moves or removes; 4 when it touches none.

    Delays, deadbands, hours, seasons and latch touch every limit; a combined condition without its own
    level does not exist.
    """
    levels_before, levels_after = before.levels(), after.levels()
    touched: set[int] = set()
    for name in changed_parts(before, after):
        if name in COMMON:
            touched.update({**levels_before, **levels_after}.values())
        else:
            touched.update(level for level in (levels_before.get(name), levels_after.get(name)) if level)
    return min(touched, default=LOWEST)


def permission_for(grade: int) -> str:
    """Return the permission that releases a change of a level; 3 and 4 share one."""
    return f"limit.level{min(grade, 3)}"


def release_problem(grade: int, drafted_by_id: int | None, actor: Actor) -> str | None:
    """Return why somebody may not release a change: no right to its level, or his own draft of level 1."""
    if not actor.may(permission_for(grade)):
        return "limit_level_not_yours"
    if grade == 1 and (actor.id is None or actor.id == drafted_by_id):
        return "limit_second_person"
    return None


def only_set(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content as `as_content` writes it, so that equal rules are equal content."""
    return as_content(from_content(content))
