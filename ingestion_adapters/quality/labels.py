"""Words and short figures of the intake and quality pages."""

from __future__ import annotations

from flask_babel import gettext

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
