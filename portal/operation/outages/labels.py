"""How outages read on pages: durations, outcomes, facts, and the tree of what is silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import gettext

from portal.core.clock import local
from portal.core.codes import word_of
from portal.operation.outages.rules import CLOCK, LINK


def span_words(span: timedelta) -> str:
    """Return a duration in words: days, hours, minutes."""
    minutes = max(int(span.total_seconds() // 60), 0)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return gettext("%(days)s d %(hours)s h", days=days, hours=hours)
    if hours:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    return gettext("%(minutes)s min", minutes=minutes)


def outcome_words() -> dict[str, str]:
    """Return what became of an outage, in words."""
    return {
        "recovered": gettext("Data came back"),
        "merged": gettext("Part of a wider outage"),
        "split": gettext("A part came back"),
        "withdrawn": gettext("No longer watched"),
    }


def outage_facts(row: Any, users: int, households: int) -> list[tuple[str, Any]]:
    """Return terms and values of an outage."""

    def told(at: Any) -> str | None:
        return local(at).strftime("%Y-%m-%d %H:%M:%S") if at else None

    rows: list[tuple[str, Any]] = [
        (gettext("Enterprise"), row.enterprise),
        (gettext("Silent part"), row.subject),
        (gettext("Silent since"), told(row.began_at)),
        (gettext("Declared limit"), f"{row.limit_s} s"),
        (gettext("Noticed at"), told(row.noticed_at)),
        (gettext("Noticed after"), span_words(row.noticed_at - row.began_at)),
        (gettext("First data after"), told(row.returning_at)),
        (gettext("Ended at"), told(row.ended_at)),
        (gettext("Points without data"), f"{row.silent} / {row.points}" if row.ended_at is None else row.points),
        (gettext("Devices without data"), row.devices or None),
        (gettext("Users behind regulators not seen"), f"{users:,}" if users else None),
        (gettext("Households behind regulators not seen"), f"{households:,}" if households else None),
        (gettext("Difference of the source clock"), f"{row.skew_s:+,.0f} s" if row.skew_s is not None else None),
        (gettext("Readings due"), None if row.lost is None else f"{row.lost:,}"),
        (gettext("Filled in later"), None if row.filled is None else f"{row.filled:,}"),
        (gettext("Gap closed at"), told(row.filled_at)),
    ]
    return [(term, value) for term, value in rows if value is not None]


def tree_of(rows: Sequence[Any], language: str) -> list[dict[str, Any]]:
    """Return the open outages as a tree: enterprise, gateway, device, point; `bad` marks the silent part itself."""
    top: dict[str, dict[str, Any]] = {}
    for row in rows:
        node = _branch(top, row.enterprise, row.enterprise, word_of("outage_level", LINK, language))
        if row.level in (LINK, CLOCK):
            node["level"] = word_of("outage_level", row.level, language)
        else:
            if row.gateway_code:
                node = _branch(node["children"], row.gateway_code, row.gateway_code, word_of("outage_level", 3, language))
            if row.device_code and row.level < 3:
                node = _branch(node["children"], row.device_code, row.device_code, word_of("outage_level", 2, language))
            if row.level == 1:
                node = _branch(node["children"], row.subject, row.subject, word_of("outage_level", 1, language))
        node |= {"id": row.id, "bad": True, "note": gettext("%(n)s points", n=row.silent)}
    return _listed(top)


def _branch(into: dict[str, dict[str, Any]], key: str, label: str, level: str) -> dict[str, Any]:
    return into.setdefault(key, {"label": label, "level": level, "children": {}, "bad": False, "id": None, "note": ""})


def _listed(branches: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [node | {"children": _listed(node["children"])} for node in branches.values()]
