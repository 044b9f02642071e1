"""The alarm pages: list with filters and export, one alarm, acknowledging and judging."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import CsvFile
from portal.core.paging import Page, neighbours, parse_cursor
from portal.core.web import current_actor, requires, web_transaction
from portal.operation.alarms.forms import (
    parse_filter,
    parse_ids,
    parse_verdict,
)
from portal.operation.alarms.queries import (
    alarm_facts,
    alarms_listed,
    alarms_page,
    events_of,
    filter_choices,
    newest_urgent,
    open_counts,
)
from portal.operation.alarms.services import (
    acknowledge_alarm,
    acknowledge_alarms,
    judge_alarm,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("alarms", __name__, url_prefix="/operation/alarms")
STATE_TONES = {1: "bad", 2: "warn", 3: "info", 4: "ok"}


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
    }


def limit_words() -> dict[str, str]:
    """Return the names of the limits, in words."""
    return {
        "low_low": gettext("Low-low limit"),
        "low": gettext("Low limit"),
        "high": gettext("High limit"),
        "high_high": gettext("High-high limit"),
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_alarms(session: Session) -> ResponseReturnValue:
    """Show the alarms of the caller's scope, newest first."""
    scope, wanted = current_actor().scope, parse_filter(request.args)
    page = alarms_page(session, wanted, cursor=parse_cursor(request.args), scope=scope)
    enterprises, districts = filter_choices(session)
    return render_template(
        "operation/alarms.html",
        page=page,
        wanted=wanted,
        view=request.args.get("view", "open"),
        counts=open_counts(session, scope=scope),
        enterprises=enterprises,
        districts=districts,
        levels=words_of("alarm_level", language()),
        states=words_of("alarm_state", language()),
        kinds=words_of("alarm_kind", language()),
        word=word,
        tones=STATE_TONES,
        narrowed=any(request.args.get(key) for key in FILTER_KEYS),
        links=_page_links(page),
        export_url=url_for(".export", **_kept_args()),
    )


FILTER_KEYS = ("level", "state", "kind", "enterprise", "district", "since", "until", "q")


def _kept_args() -> dict[str, Any]:
    keys = ("view", *FILTER_KEYS)
    return {key: request.args[key] for key in keys if request.args.get(key)}


def _page_links(page: Page) -> dict[str, str | None]:
    address = partial(url_for, ".show_alarms", **_kept_args())
    return neighbours(page, lambda row: (row.raised_at, row.alarm_id), address)


@blueprint.get("/count")
@requires("alarm.read")
@web_transaction
def count(session: Session) -> ResponseReturnValue:
    """Answer how many alarms are open, and the newest urgent one nobody has acknowledged."""
    scope = current_actor().scope
    by_level = open_counts(session, scope=scope)
    urgent = newest_urgent(session, scope=scope)
    latest = urgent and {
        "id": urgent.alarm_id,
        "level": urgent.level,
        "text": f"{word('alarm_kind', urgent.kind)} {urgent.object_code or ''}".strip(),
        "url": url_for(".show_alarm", alarm_id=urgent.alarm_id),
    }
    return jsonify(open=sum(by_level.values()), levels=by_level, latest=latest)


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered alarms as CSV for spreadsheets; the export is audited."""
    actor, made = current_actor(), CsvFile(_export_head())
    for row in alarms_listed(session, parse_filter(request.args), scope=actor.scope):
        made.add(_export_row(row))
    record(session, actor, "alarm.export", object_type="alarm", after={"rows": made.rows})
    return made.answer(f"alarms-{local(utc_now()):%Y%m%d-%H%M}.csv")


def _export_head() -> list[str]:
    return [
        gettext("Number"), gettext("Level"), gettext("State"), gettext("Kind"),
        gettext("Enterprise"), gettext("Object"), gettext("Point"), gettext("Measured value"),
        gettext("Limit"), gettext("Unit"), gettext("Raised at"), gettext("Cleared at"),
        gettext("Acknowledged by"), gettext("Judgement"), gettext("Case"), gettext("Back-filled"),
        gettext("Description"),
    ]  # fmt: skip


def _export_row(row: Any) -> list[Any]:
    return [
        row.alarm_id, word("alarm_level", row.level), word("alarm_state", row.state),
        word("alarm_kind", row.kind), row.enterprise, row.object_code, row.point_code, row.value,
        row.limit_value, row.unit, instant(row.raised_at),
        instant(row.cleared_at),
        row.acknowledged_by, word("alarm_verdict", row.verdict), row.case_id,
        gettext("yes") if row.historical else gettext("no"), row.text_said,
    ]  # fmt: skip


@blueprint.get("/<int:alarm_id>")
@requires("alarm.read")
@web_transaction
def show_alarm(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Show one alarm with all that happened to it."""
    actor = current_actor()
    alarm = alarm_facts(session, alarm_id, scope=actor.scope)
    return render_template(
        "operation/alarm.html",
        alarm=alarm,
        facts=_facts(alarm),
        happened=[_told(event) for event in events_of(session, alarm_id, scope=actor.scope)],
        word=word,
        tones=STATE_TONES,
        verdicts={
            code: each for code, each in words_of("alarm_verdict", language()).items() if code
        },
    )


def number(value: float | None, unit: str) -> str | None:
    """Return a value with its unit, or None."""
    return f"{value:g} {unit}".strip() if value is not None else None


def instant(at: datetime | None) -> str | None:
    """Return an instant in city time, or None."""
    return local(at).strftime("%Y-%m-%d %H:%M:%S") if at else None


def _facts(alarm: Any) -> list[tuple[str, Any]]:
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
    if alarm.alarm_no:
        rows.append((gettext("The enterprise's number"), alarm.alarm_no))
    if alarm.text_said:
        rows.append((gettext("Description"), alarm.text_said))
    return rows


def who(event: Any) -> str:
    """Return who did something, in words a reader knows."""
    kinds = {"program": gettext("Enterprise's program"), "job": gettext("Portal")}
    return kinds.get(event.actor_kind) or str(event.actor_name)


def _told(event: Any) -> dict[str, Any]:
    """Return one event as an entry of the timeline."""
    title = action_words().get(event.action, event.action)
    if event.verdict is not None:
        title = f"{title}: {word('alarm_verdict', event.verdict)}"
    if event.action in ("raise", "escalate") and event.level is not None:
        title = f"{title}: {word('alarm_level', event.level)}"
    tones = {"raise": "bad", "escalate": "bad", "clear": "ok", "acknowledge": "now"}
    return {
        "at": event.happened_at,
        "title": title,
        "text": None if event.action == "case" else event.note,
        "who": who(event),
        "tone": tones.get(event.action, ""),
    }


@blueprint.post("/<int:alarm_id>/acknowledge")
@requires("alarm.acknowledge")
@web_transaction
def acknowledge(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Acknowledge one alarm; form field `note`."""
    note = request.form.get("note", "")
    acknowledge_alarm(session, alarm_id, note=note, now=utc_now(), actor=current_actor())
    flash(gettext("Alarm acknowledged."), "success")
    return redirect(url_for(".show_alarm", alarm_id=alarm_id))


@blueprint.post("/acknowledge")
@requires("alarm.acknowledge")
@web_transaction
def acknowledge_many(session: Session) -> ResponseReturnValue:
    """Acknowledge several alarms with one note; form fields `id` and `note`."""
    ids, note = parse_ids(request.form.getlist("id")), request.form.get("note", "")
    done = acknowledge_alarms(session, ids, note=note, now=utc_now(), actor=current_actor())
    flash(gettext("Alarms acknowledged: %(count)s", count=done), "success")
    return redirect(url_for(".show_alarms"))


@blueprint.post("/<int:alarm_id>/judge")
@requires("alarm.judge")
@web_transaction
def judge(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Judge one alarm; form fields `verdict` and `note`."""
    verdict, note = parse_verdict(request.form), request.form.get("note", "")
    judge_alarm(session, alarm_id, verdict, note=note, now=utc_now(), actor=current_actor())
    flash(gettext("Judgement recorded."), "success")
    return redirect(url_for(".show_alarm", alarm_id=alarm_id))
