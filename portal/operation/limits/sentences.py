"""Sentences of errors about limits, and of what is wrong with rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext


def problem_words() -> dict[str, str]:
    """Return what is wrong with rules, in words, by code."""
    return {
        "not_a_figure": gettext("is no figure that can be measured"),
        "delay_out_of_bounds": gettext("a delay lies between 0 and 86,400 s"),
        "deadband_negative": gettext("a deadband is not negative"),
        "limits_contradict": gettext("limits contradict each other: LL < L < H < HH"),
        "limit_outside_range": gettext("lies outside the range of the point and would never be broken"),
        "deadband_wider_than_band": gettext("the deadbands leave no room to return to normal"),
        "too_many": gettext("too many entries"),
        "day_unknown": gettext("a season begins and ends on a day MM-DD"),
        "seasons_overlap": gettext("two seasons overlap"),
        "days_missing": gettext("a window of time needs at least one weekday"),
        "minute_unknown": gettext("a window of time needs begin and end HH:MM"),
        "level_unknown": gettext("the level is 1 to 4"),
        "rate_without_figure": gettext("a rate of change needs a rise or a fall"),
        "rate_not_positive": gettext("rise and fall are positive figures"),
        "span_shorter_than_period": gettext("the time is shorter than the point's upload period allows"),
        "point_unknown": gettext("the combined conditions name a point the enterprise does not have"),
        "conditions_unreadable": gettext("the combined conditions cannot be read"),
    }


def field_words() -> dict[str, str]:
    """Return the names of limits, checks and settings."""
    return {
        "low_low": gettext("Low-low limit"), "low": gettext("Low limit"), "high": gettext("High limit"),
        "high_high": gettext("High-high limit"), "on_delay_s": gettext("On-delay, s"),
        "off_delay_s": gettext("Off-delay, s"), "deadband_low": gettext("Deadband above the low limits"),
        "deadband_high": gettext("Deadband below the high limits"), "latch": gettext("Latch level 1"),
        "seasons": gettext("Seasonal limits"), "hours": gettext("Hours in which limits apply"),
        "rate": gettext("Rate of change"), "silence": gettext("No data"), "flat": gettext("Flat line"),
        "state": gettext("State change without work order"), "combined": gettext("Combined conditions"),
        "rate_rise": gettext("Rise too fast"), "rate_fall": gettext("Fall too fast"),
    }  # fmt: skip


def _unsound(**facts: Any) -> str:
    field = field_words().get(str(facts.get("field")), str(facts.get("field")))
    problem = problem_words().get(str(facts.get("problem")), str(facts.get("problem")))
    return f"{facts.get('point')} · {field}: {problem} {facts.get('detail') or ''}".strip()


SENTENCES: dict[str, Callable[..., str]] = {
    "limit_change": lambda **_: gettext("There is no such change of limits."),
    "limit_template": lambda **_: gettext("There is no such template."),
    "limit_unsound": _unsound,
    "limit_nothing_changed": lambda **_: gettext("Nothing would change: these rules are in force already."),
    "limit_point_removed": lambda **facts: gettext(
        "Point %(point)s was removed; its rules cannot be changed.", point=facts.get("point", "")
    ),
    "limit_draft_open": lambda **facts: gettext(
        "Point %(point)s has an open draft (change %(change_id)s). Release or withdraw it first.",
        point=facts.get("point", ""), change_id=facts.get("change_id", ""),
    ),
    "limit_draft_of_many": lambda **_: gettext("A draft of many points is withdrawn and made anew, not edited."),
    "limit_change_mixed": lambda **_: gettext("Choose points of one enterprise or one district at a time."),
    "limit_not_a_draft": lambda **_: gettext("This change is no longer a draft."),
    "limit_not_rehearsed": lambda **_: gettext("A change can be released once it was rehearsed as it stands."),
    "limit_changed_meanwhile": lambda **facts: gettext(
        "The rules in force of point %(point)s changed since the draft was made. Withdraw it and make a new one.",
        point=facts.get("point", ""),
    ),
    "limit_level_not_yours": lambda **_: gettext("Your role may not release changes of this level."),
    "limit_second_person": lambda **_: gettext("A change that touches level 1 is released by a second person."),
    "limit_too_many_points": lambda **facts: gettext(
        "The filter holds more than %(most)s points; narrow it.", most=facts.get("most", "")
    ),
    "limit_no_points": lambda **_: gettext("No point matches both the filter and the template."),
    "order_incomplete": lambda **_: gettext("A work order needs a number, a reason, and an end after its begin."),
    "order_number_used": lambda **facts: gettext(
        "Work order %(order_no)s exists already.", order_no=facts.get("order_no", "")
    ),
}
