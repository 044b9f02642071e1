"""Words and short figures of the intake and quality pages."""

from __future__ import annotations

import math

from flask_babel import gettext

from portal.core.codes import words_of

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
THOUSAND, MILLION = 1000, 1_000_000


def span(seconds: float | None) -> str:
    """Return a length of time in its natural unit."""
    if seconds is None:
        return "–"
    if seconds < 2 * MINUTE_S:
        return gettext("%(n)s s", n=f"{seconds:g}")
    if seconds < 2 * HOUR_S:
        return gettext("%(n)s min", n=f"{seconds / MINUTE_S:g}")
    if seconds < 2 * DAY_S:
        return gettext("%(n)s h", n=f"{seconds / HOUR_S:g}")
    return gettext("%(n)s d", n=f"{seconds / DAY_S:g}")


def short(number: float) -> str:
    """Return a count that fits a cell: 999, 1.2k, 18k, 3.4M."""
    for size, mark in ((MILLION, "M"), (THOUSAND, "k")):
        if number >= size:
            part = number / size
            return f"{part:.1f}{mark}" if part < 10 else f"{part:.0f}{mark}"
    return f"{number:.0f}"


def tenths(score: float) -> str:
    """Return a score to a tenth, never rounded up: 99.97 is not yet 100."""
    return f"{math.floor(score * 10 + 1e-9) / 10:.1f}"


def quality_words(language: str) -> dict[int, str]:
    """Return the words of the six qualities, overall under 0."""
    return words_of("data_quality", language)


def state_words() -> dict[str, tuple[str, str]]:
    """Return the states of findings with their tone."""
    return {
        "open": (gettext("To be cured"), "bad"),
        "answered": (gettext("Answered, to be proved"), "info"),
        "waived": (gettext("Waived"), "warn"),
        "closed": (gettext("Closed by new data"), "ok"),
    }


def step_words() -> dict[str, str]:
    """Return the steps of a finding, in words."""
    return {
        "open": gettext("Found"),
        "again": gettext("Found again after the answer"),
        "reply": gettext("Answer of the enterprise"),
        "ask_waive": gettext("Waiver asked for"),
        "waive": gettext("Waiver granted"),
        "keep": gettext("Waiver refused"),
        "resume": gettext("Waiver ended"),
        "close": gettext("Closed: the rule passed on newer data"),
    }


def object_words() -> dict[str, str]:
    """Return the kinds of objects that findings are about."""
    return {
        "point": gettext("Point"),
        "pipe": gettext("Pipe"),
        "node": gettext("Node"),
        "feed": gettext("Feed"),
        "day": gettext("Gas day"),
    }


def rule_state_words() -> dict[str, tuple[str, str]]:
    """Return the states of a rule's version with their tone."""
    return {
        "in_force": (gettext("In force"), "ok"),
        "proposed": (gettext("Waits for the second person"), "warn"),
        "retired": (gettext("Retired"), ""),
        "refused": (gettext("Not approved"), ""),
    }


def figure_words() -> dict[str, str]:
    """Return the figures that verdicts give, in words."""
    return {
        "due": gettext("expected"),
        "good": gettext("good"),
        "share_pct": gettext("share %"),
        "falls": gettext("falls"),
        "largest_m3": gettext("largest fall m³"),
        "flat_h": gettext("unchanged h"),
        "upstream_moved_pct": gettext("upstream moved %"),
        "same_as": gettext("same as"),
        "chi2_per_class": gettext("chi² per class"),
        "top_digit_pct": gettext("most frequent digit %"),
        "hours": gettext("hours outside"),
        "value": gettext("value"),
        "usual": gettext("usual"),
        "explained_by_alarm": gettext("explained by an alarm"),
        "measured_m3": gettext("measured m³"),
        "reported_m3": gettext("reported m³"),
        "difference_pct": gettext("difference %"),
        "ufg_pct": gettext("unaccounted for %"),
        "purchased_m3": gettext("bought m³"),
        "upstream_kpa": gettext("upstream kPa"),
        "own_kpa": gettext("here kPa"),
        "neighbour_kpa": gettext("neighbour kPa"),
        "neighbour": gettext("neighbour"),
        "off_pct": gettext("off the usual ratio %"),
        "quickest_delay_s": gettext("quickest delay s"),
        "rows_from_future": gettext("rows from the future"),
        "found": gettext("found"),
        "checked": gettext("checked"),
        "codes": gettext("codes"),
        "problems": gettext("problems"),
        "classes": gettext("pressure classes"),
        "objects": gettext("objects failing"),
        "of": gettext("of"),
        "sent_batches": gettext("batches sent"),
        "received_batches": gettext("batches received"),
        "sent_rows": gettext("rows sent"),
        "received_rows": gettext("rows received"),
    }
