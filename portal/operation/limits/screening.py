"""Which values cannot be off normal: what lets most readings pass the engine untouched; pure."""

from __future__ import annotations

from portal.operation.limits.ruleset import RuleSet


def screen(rules: RuleSet) -> tuple[float, float]:
    """Return between which values a reading cannot be off normal by limits or state."""
    low, high = rules.innermost()
    if rules.state and rules.state.normal:
        normal = sorted(rules.state.normal)
        gap = any(upper - lower > 1 for lower, upper in zip(normal, normal[1:], strict=False))
        if gap:  # a state between two normal ones is off: look at every reading
            return float("inf"), float("-inf")
        low, high = max(low, normal[0] - 0.5), min(high, normal[-1] + 0.5)
    return low, high


def is_special(rules: RuleSet) -> bool:
    """Return whether readings must be looked at together with others."""
    return rules.rate is not None or rules.combined is not None
