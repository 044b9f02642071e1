"""The alarm desk: list with filters and export, side panel, one alarm, acknowledging and judging."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.paging import Page, neighbours, parse_cursor
from portal.core.web import current_actor, requires, sentence_of, wants_json, web_transaction
from portal.operation.alarms.exports import sealed_csv
from portal.operation.alarms.forms import (
    parse_filter,
    parse_ids,
    parse_verdict,
)
from portal.operation.alarms.labels import (
    STATE_TONES,
    export_head,
    export_row,
    facts_of,
    instant,
    language,
    place_of,
    told,
    word,
)
from portal.operation.alarms.queries import (
    EXPORT_MOST_ROWS,
    alarm_facts,
    alarms_listed,
    alarms_page,
    events_of,
    filter_choices,
    newest_urgent,
    open_counts,
)
from portal.operation.alarms.services import (
    Answered,
    acknowledge_alarm,
    acknowledge_alarms,
    judge_alarm,
)
from portal.operation.desk.queries import (
    alarms_since,
    attachments_of,
    figures_in_force,
    flood_since,
    members_of,
    procedure_of,
    records_of,
    views_of,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("alarms", __name__, url_prefix="/operation/alarms")
FILTER_KEYS = (
    "level", "state", "kind", "enterprise", "district", "object", "point", "person", "verdict", "root", "since",
    "until", "q",
)  # fmt: skip
KEPT_KEYS = ("view", "flat", "sort", *FILTER_KEYS)


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_alarms(session: Session) -> ResponseReturnValue:
    """Show the alarms of the caller's scope, one line a cause, newest first."""
    actor, now = current_actor(), utc_now()
    wanted, cursor = parse_filter(request.args), parse_cursor(request.args)
    page = alarms_page(session, wanted, cursor=cursor, scope=actor.scope)
    enterprises, districts = filter_choices(session)
    figures = figures_in_force(session)
    recent = alarms_since(session, flood_since(now, figures), scope=actor.scope)
    counts = open_counts(session, scope=actor.scope)
    g.open_alarms = counts.total  # the bell of this page counts the same alarms
    return render_template(
        "operation/alarms.html",
        page=page,
        wanted=wanted,
        counts=counts,
        flood=recent if recent > figures.flood_count else 0,
        figures=figures,
        views=views_of(session, actor),
        enterprises=enterprises,
        districts=districts,
        levels=words_of("alarm_level", language()),
        states=words_of("alarm_state", language()),
        kinds=words_of("alarm_kind", language()),
        verdicts=words_of("alarm_verdict", language()),
        word=word,
        place=place_of,
        tones=STATE_TONES,
        narrowed=any(request.args.get(key) for key in FILTER_KEYS),
        kept=_kept_args(),
        links=_page_links(page, wanted.sort),
        export_url=url_for(".export", **_kept_args()),
    )


def _kept_args(**changed: Any) -> dict[str, Any]:
    kept = {key: request.args[key] for key in KEPT_KEYS if request.args.get(key)} | changed
    return {key: value for key, value in kept.items() if value is not None}


def _page_links(page: Page, sort: str) -> dict[str, str | None]:
    address = partial(url_for, ".show_alarms", **_kept_args())
    if sort == "raised":
        return neighbours(page, lambda row: (row.raised_at, row.alarm_id), address)
    last = neighbours(page, lambda row: (row.raised_at, row.alarm_id), address)["next"]
    return {"prev": address() if page.has_newer else None, "next": last}


@blueprint.get("/count")
@requires("alarm.read")
@web_transaction
def count(session: Session) -> ResponseReturnValue:
    """Answer how many alarms are open, how many critical ones nobody has seen, and the newest of these."""
    scope = current_actor().scope
    counts = open_counts(session, scope=scope)
    urgent = newest_urgent(session, scope=scope) if counts.urgent else None
    latest = urgent and {
        "id": urgent.alarm_id,
        "level": urgent.level,
        "text": f"{word('alarm_kind', urgent.kind)} {urgent.object_code or ''}".strip(),
        "url": url_for(".show_alarm", alarm_id=urgent.alarm_id),
    }
    return jsonify(open=counts.total, levels=counts.levels, held=counts.held, urgent=counts.urgent, latest=latest)


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered alarms as CSV, row for row as on the screen, with its SM3; audited with filter and SM3."""
    actor = current_actor()
    rows = list(alarms_listed(session, parse_filter(request.args), scope=actor.scope))
    cut = len(rows) > EXPORT_MOST_ROWS
    made = sealed_csv(export_head(), (export_row(row) for row in rows[:EXPORT_MOST_ROWS]))
    after = {"rows": made.rows, "sm3": made.sm3, "filter": _kept_args(), "cut": cut}
    record(session, actor, "alarm.export", object_type="alarm", after=after)
    return made.answer(f"alarms-{local(utc_now()):%Y%m%d-%H%M}.csv", cut=cut)


def _parts_of(session: Session, alarm_id: int) -> dict[str, Any]:
    """Return what page and panel of one alarm show alike."""
    scope = current_actor().scope
    alarm = alarm_facts(session, alarm_id, scope=scope)
    procedure = procedure_of(session, alarm.kind)
    english = language().startswith("en")
    return {
        "alarm": alarm,
        "facts": facts_of(alarm),
        "happened": [told(event) for event in events_of(session, alarm_id, scope=scope)],
        "members": members_of(session, alarm_id, scope=scope),
        "records": records_of(session, alarm_id, scope=scope),
        "attachments": attachments_of(session, alarm_id, scope=scope),
        "procedure": (procedure.en if english else procedure.zh).split("\n") if procedure else [],
        "procedure_source": procedure.source if procedure else "",
        "figures": figures_in_force(session),
        "word": word,
        "tones": STATE_TONES,
        "verdicts": {code: each for code, each in words_of("alarm_verdict", language()).items() if code},
    }


@blueprint.get("/<int:alarm_id>")
@requires("alarm.read")
@web_transaction
def show_alarm(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Show one alarm with all that happened to it."""
    return render_template("operation/alarm.html", **_parts_of(session, alarm_id))


@blueprint.get("/<int:alarm_id>/panel")
@requires("alarm.read")
@web_transaction
def show_panel(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Show one alarm beside the list: facts, curve, procedure and what can be done."""
    return render_template("operation/alarm_panel.html", **_parts_of(session, alarm_id))


def done(sentence: str, alarm_id: int) -> ResponseReturnValue:
    """Answer a step that was taken: a sentence for the desk, the alarm's page for a plain form."""
    if wants_json():
        return jsonify(said=sentence, id=alarm_id)
    flash(sentence, "success")
    return redirect(url_for("alarms.show_alarm", alarm_id=alarm_id))


@blueprint.post("/<int:alarm_id>/acknowledge")
@requires("alarm.acknowledge")
@web_transaction
def acknowledge(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Acknowledge one alarm; form field `note`."""
    note = request.form.get("note", "")
    acknowledge_alarm(session, alarm_id, note=note, now=utc_now(), actor=current_actor())
    return done(gettext("Alarm acknowledged."), alarm_id)


@blueprint.post("/acknowledge")
@requires("alarm.acknowledge")
@web_transaction
def acknowledge_many(session: Session) -> ResponseReturnValue:
    """Acknowledge several alarms with one note; form fields `id` and `note`; says which were not, and why."""
    ids, note = parse_ids(request.form.getlist("id")), request.form.get("note", "")
    return answered(acknowledge_alarms(session, ids, note=note, now=utc_now(), actor=current_actor()))


def answered(answers: list[Answered]) -> ResponseReturnValue:
    """Answer what became of several alarms: how many were done, and for each other one why not."""
    refused = [
        {
            "id": each.alarm_id,
            "why": sentence_of(each.outcome, by=each.by, at=(instant(each.at) or "")[11:]),
        }
        for each in answers
        if each.outcome != "done"
    ]
    count_done = len(answers) - len(refused)
    sentence = gettext("%(done)s of %(all)s done.", done=count_done, all=len(answers))
    if wants_json():
        return jsonify(said=sentence, done=count_done, refused=refused)
    flash(sentence, "warning" if refused else "success")
    for each in refused[:20]:
        flash(f"#{each['id']}: {each['why']}", "warning")
    return redirect(url_for("alarms.show_alarms"))


@blueprint.post("/<int:alarm_id>/judge")
@requires("alarm.judge")
@web_transaction
def judge(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Judge one alarm; form fields `verdict` and `note`."""
    verdict, note = parse_verdict(request.form), request.form.get("note", "")
    judge_alarm(session, alarm_id, verdict, note=note, now=utc_now(), actor=current_actor())
    return done(gettext("Judgement recorded."), alarm_id)
