"""Words of alarm pages in the caller's language: transitions, limits, facts, and the cells of the list and its export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import get_locale, gettext

from portal.core.clock import local
from portal.core.codes import word_of

STATE_TONES = {1: "bad", 2: "warn", 3: "info", 4: "ok", 5: "bad", 6: "warn", 7: "", 8: "", 9: "", 10: ""}
EVENT_TONES: Mapping[str, str] = {
    "raise": "bad", "escalate": "bad", "clear": "ok", "acknowledge": "now", "close": "ok", "record": "now",
    "unshelve": "warn", "unlock": "warn", "in_service": "warn",
}  # fmt: skip


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def word(dictionary: str, code: int | None) -> str:
    """Return the word of a code in the caller's language."""
    return word_of(dictionary, code, language())


def action_words() -> dict[str, str]:
    """Return what happened to an alarm, in words."""
    return {
        "raise": gettext("Alarm raised"),
        "escalate": gettext("Escalated"),
        "acknowledge": gettext("Acknowledged"),
        "clear": gettext("Returned to normal"),
        "judge": gettext("Judged"),
        "note": gettext("Noted"),
        "case": gettext("Case opened"),
        "disposal": gettext("Handled by the enterprise"),
        "latch": gettext("Latched until reset"),
        "reset": gettext("Latch reset"),
        "shelve": gettext("Shelved"),
        "unshelve": gettext("Back from shelving"),
        "suppress": gettext("Suppressed by design"),
        "unsuppress": gettext("Suppression ended"),
        "out_of_service": gettext("Out of service for maintenance"),
        "in_service": gettext("Back in service"),
        "lock": gettext("Locked"),
        "unlock": gettext("Unlocked"),
        "group": gettext("Put under an alarm of the same cause"),
        "ungroup": gettext("Stands alone again"),
        "record": gettext("Handling recorded"),
        "close": gettext("Closed"),
    }


def outcome_words() -> dict[str, str]:
    """Return why a hold ended or alarms were put together, in words."""
    return {
        "expired": gettext("The time was over"),
        "released": gettext("Ended by hand"),
        "worse": gettext("It got worse"),
        "silence": gettext("Behind the same silence"),
        "object": gettext("Same object, same kind"),
        "near": gettext("Close by at the same time"),
    }


def limit_words() -> dict[str, str]:
    """Return the names of the limits, in words."""
    return {
        "low_low": gettext("Low-low limit"),
        "low": gettext("Low limit"),
        "high": gettext("High limit"),
        "high_high": gettext("High-high limit"),
    }


def number(value: float | None, unit: str) -> str | None:
    """Return a value with its unit, or None."""
    return f"{value:g} {unit}".strip() if value is not None else None


def instant(at: datetime | None) -> str | None:
    """Return an instant in city time, or None."""
    return local(at).strftime("%Y-%m-%d %H:%M:%S") if at else None


def place_of(row: Any) -> str:
    """Return what an alarm is about: object, else the enterprise's number, else ours."""
    return str(row.object_code or row.alarm_no or row.alarm_id)


def facts_of(alarm: Any) -> list[tuple[str, Any]]:
    """Return the facts of an alarm as pairs of words."""
    unit = alarm.unit or ""
    named = limit_words().get(alarm.limit_name or "", gettext("Limit"))
    sources = {"rule": gettext("Limit check of the portal"), "enterprise": gettext("Enterprise")}
    rows = [
        (gettext("Enterprise"), alarm.enterprise),
        (gettext("Object"), alarm.object_code),
        (gettext("Point"), " ".join(filter(None, (alarm.point_code, alarm.point_name)))),
        (gettext("Measured value"), number(alarm.value, unit)),
        (named, number(alarm.limit_value, unit)),
        (gettext("Worst value"), number(alarm.peak_value, unit)),
        (gettext("Raised at"), instant(alarm.raised_at)),
        (gettext("Received at"), instant(alarm.received_at)),
        (gettext("Cleared at"), instant(alarm.cleared_at)),
        (gettext("Acknowledged by"), alarm.acknowledged_by),
        (gettext("Judgement"), word("alarm_verdict", alarm.verdict)),
        (gettext("Raised by"), sources.get(alarm.source, alarm.source)),
    ]
    if alarm.hold:
        rows.append((word("alarm_hold_kind", alarm.hold), _held(alarm)))
    if alarm.closed_at:
        rows.append((gettext("Closed at"), instant(alarm.closed_at)))
    if alarm.alarm_no:
        rows.append((gettext("The enterprise's number"), alarm.alarm_no))
    if alarm.text_said:
        rows.append((gettext("Description"), alarm.text_said))
    return rows


def _held(alarm: Any) -> str:
    if alarm.held_until:
        return str(gettext("until %(at)s", at=instant(alarm.held_until)))
    return str(gettext("by alarm #%(number)s", number=alarm.root_id))


def export_head() -> list[str]:
    """Return the head of the export."""
    return [
        gettext("Number"), gettext("Level"), gettext("State"), gettext("Kind"),
        gettext("Enterprise"), gettext("Object"), gettext("Point"), gettext("Measured value"),
        gettext("Limit"), gettext("Unit"), gettext("Raised at"), gettext("Cleared at"),
        gettext("Acknowledged by"), gettext("Judgement"), gettext("Case"), gettext("Back-filled"),
        gettext("Same cause as"), gettext("Closed at"), gettext("Description"),
    ]  # fmt: skip


def export_row(row: Any) -> list[Any]:
    """Return the cells of one alarm, in the words of the screen."""
    return [
        row.alarm_id, word("alarm_level", row.level), word("alarm_state", row.state),
        word("alarm_kind", row.kind), row.enterprise, row.object_code, row.point_code, row.value,
        row.limit_value, row.unit, instant(row.raised_at),
        instant(row.cleared_at),
        row.acknowledged_by, word("alarm_verdict", row.verdict), row.case_id,
        gettext("yes") if row.historical else gettext("no"), row.root_id, instant(row.closed_at), row.text_said,
    ]  # fmt: skip


def who(event: Any) -> str:
    """Return who did something, in words a reader knows."""
    kinds = {"program": gettext("Enterprise's program"), "job": gettext("Portal")}
    return kinds.get(event.actor_kind) or str(event.actor_name)


def told(event: Any) -> dict[str, Any]:
    """Return one event as an entry of the timeline: what, from which state to which, who and until when."""
    title = action_words().get(event.action, event.action)
    if event.verdict is not None:
        title = f"{title}: {word('alarm_verdict', event.verdict)}"
    if event.action in ("raise", "escalate") and event.level is not None:
        title = f"{title}: {word('alarm_level', event.level)}"
    parts = [outcome_words().get(event.note or "", event.note or "")] if event.action != "case" else []
    if event.action == "group":
        parts.append(f"#{event.ref_id}")
    if event.until_at:
        parts.append(gettext("until %(at)s", at=instant(event.until_at)))
    if event.from_state is not None and event.from_state != event.state:
        parts.append(f"{word('alarm_state', event.from_state)} → {word('alarm_state', event.state)}")
    return {
        "at": event.happened_at,
        "title": title,
        "text": " · ".join(filter(None, parts)) or None,
        "who": who(event),
        "tone": EVENT_TONES.get(event.action, ""),
    }
