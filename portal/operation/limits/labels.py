"""Rules, changes and rehearsals in words and as the pages draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext

from portal.operation.limits.ruleset import CHECKS, LIMIT_NAMES, RuleSet, as_content
from portal.operation.limits.sentences import field_words

OUTCOME_TONES = {"missed": "bad", "removed": "warn", "added": "info", "changed": "", "kept": "ok"}
CHART_WIDTH, CHART_HEIGHT, BAR_GAP = 900, 160, 1
WEEKDAYS = range(1, 8)


def outcome_words() -> dict[str, str]:
    """Return the outcomes of a rehearsal in words, the gravest first."""
    return {
        "missed": gettext("Missed"), "removed": gettext("Removed"), "added": gettext("Added"),
        "changed": gettext("Changed"), "kept": gettext("Kept as before"),
    }  # fmt: skip


def outcome_hints() -> dict[str, str]:
    """Return what each outcome means."""
    return {
        "missed": gettext("judged true, would no longer be raised"),
        "removed": gettext("would no longer be raised"),
        "added": gettext("would be raised beside"),
        "changed": gettext("raised at another time or level"),
        "kept": gettext("raised alike"),
    }


def state_words() -> dict[int, tuple[str, str]]:
    """Return the states of a version or change with their tones."""
    return {
        1: (gettext("Draft"), "warn"), 2: (gettext("In force"), "ok"), 3: (gettext("Retired"), ""),
        4: (gettext("Withdrawn"), ""),
    }  # fmt: skip


def change_words() -> dict[int, tuple[str, str]]:
    """Return the states of a change with their tones."""
    return state_words() | {2: (gettext("Released"), "ok")}


def weekday_words() -> dict[int, str]:
    """Return the weekdays in short."""
    return {
        1: gettext("Mon"), 2: gettext("Tue"), 3: gettext("Wed"), 4: gettext("Thu"), 5: gettext("Fri"),
        6: gettext("Sat"), 7: gettext("Sun"),
    }  # fmt: skip


def number(value: float | None) -> str:
    """Return a figure as a field holds it; empty for none."""
    return "" if value is None else f"{value:.12g}"


def clock(minute: int) -> str:
    """Return a minute of the day as HH:MM."""
    return f"{minute // 60:02}:{minute % 60:02}"


def rule_lines(rules: RuleSet, unit: str) -> list[tuple[str, str]]:
    """Return the rules of a point as pairs of term and words, limits first."""
    words, content = field_words(), as_content(rules)
    lines = [(words[name], f"{content[name]:.12g} {unit}".strip()) for name in LIMIT_NAMES if name in content]
    lines += [(words[name], f"{content[name]:g}") for name in ("on_delay_s", "off_delay_s") if name in content]
    bands = [name for name in ("deadband_low", "deadband_high") if name in content]
    lines += [(words[name], f"{content[name]:.12g} {unit}".strip()) for name in bands]
    if rules.latch:
        lines.append((words["latch"], gettext("until somebody resets it")))
    for season in rules.seasons:
        said = [(name, getattr(season.band, name)) for name in LIMIT_NAMES]
        band = " · ".join(f"{short(name)} {value:g}" for name, value in said if value is not None)
        lines.append((words["seasons"], f"{season.begin} – {season.end}: {band or gettext('no limits')}"))
    for each in rules.hours:
        days = "".join(weekday_words()[day] + " " for day in each.days)
        lines.append((words["hours"], f"{days}{clock(each.begin_min)} – {clock(each.end_min)}"))
    for name in CHECKS:
        check = getattr(rules, name)
        if check:
            lines.append((words[name], f"{check_words(rules, name, unit)} · {level_word(check.level)}"))
    return lines


def check_words(rules: RuleSet, name: str, unit: str) -> str:
    """Return one check in words."""
    content = as_content(rules)[name]
    if name == "rate":
        sign = "%" if content.get("percent") else unit
        parts = [f"{mark} {content[key]:g} {sign}" for key, mark in (("rise", "↑"), ("fall", "↓")) if key in content]
        return str(gettext("%(step)s within %(seconds)s s", step=" ".join(parts), seconds=content["over_s"]))
    if name == "silence":
        return str(gettext("no reading for %(seconds)s s", seconds=content["after_s"]))
    if name == "flat":
        return str(gettext("the same value for %(seconds)s s", seconds=content["for_s"]))
    if name == "state":
        return str(gettext("other than %(states)s", states=", ".join(map(str, content["normal"]))))
    delay = gettext("for %(seconds)s s", seconds=content["delay_s"]) if content["delay_s"] else ""
    return f"{content['when']} {delay}".strip()


def level_word(level: int) -> str:
    """Return a level as rules name it."""
    return str(gettext("level %(level)s", level=level))


def short(name: str) -> str:
    """Return the sign of a limit: HH, H, L, LL."""
    return "".join(part[0].upper() for part in name.split("_"))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what differs between two contents: name, before, after."""
    words = field_words()
    moved = [name for name in dict.fromkeys([*LIMIT_NAMES, *before, *after]) if before.get(name) != after.get(name)]
    return [(words.get(name, name), _plain(before.get(name)), _plain(after.get(name))) for name in moved]


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    if isinstance(value, float | int):
        return f"{value:.12g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(_plain(each) for each in value)
    return str(value)


def day_bars(counted: Sequence[tuple[date, str, int]], last: date, days: int) -> dict[str, Any]:
    """Return the alarms a day of a rehearsal as bars of an SVG: place and size of each piece, and the scale."""
    first = last - timedelta(days=days - 1)
    by_day: dict[date, dict[str, int]] = {}
    for day, outcome, count in counted:
        by_day.setdefault(day, {})[outcome] = count
    most = max((sum(each.values()) for each in by_day.values()), default=0)
    width = CHART_WIDTH / max(days, 1)
    bars = []
    for day, parts in by_day.items():
        base = float(CHART_HEIGHT)
        for outcome in ("kept", "changed", "added", "removed", "missed"):
            if parts.get(outcome):
                high = CHART_HEIGHT * parts[outcome] / most
                base -= high
                bars.append(
                    {
                        "x": round((day - first).days * width, 2), "y": round(base, 2),
                        "w": round(max(width - BAR_GAP, 1), 2), "h": round(high, 2), "outcome": outcome,
                        "title": f"{day} · {outcome_words()[outcome]} {parts[outcome]}",
                    }
                )  # fmt: skip
    return {"bars": bars, "most": most, "first": first, "last": last, "width": CHART_WIDTH, "height": CHART_HEIGHT}
