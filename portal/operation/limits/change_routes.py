"""The pages of changes of limits: drafts from templates, rehearsal with its progress, release, withdrawal."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.core.clock import local, utc_now
from portal.core.codes import word_of
from portal.core.errors import Invalid
from portal.core.exports import CsvFile
from portal.core.paging import neighbours, parse_cursor, parse_number
from portal.core.web import current_actor, note_export, opened, requires, web_transaction
from portal.operation.limits.forms import REASON_CHARS, TITLE_CHARS, parse_filter, parse_text
from portal.operation.limits.labels import (
    OUTCOME_TONES,
    change_words,
    day_bars,
    differences,
    outcome_hints,
    outcome_words,
    rule_lines,
)
from portal.operation.limits.queries import (
    ALARMS_SHOWN,
    changes_page,
    find_change,
    find_template,
    points_listed,
    rehearsal_alarms,
    rehearsal_days,
    rules_of_change,
    templates,
)
from portal.operation.limits.rehearsal import KEPT_MOST, order_rehearsal
from portal.operation.limits.routes import filter_facts, language
from portal.operation.limits.rules import release_problem
from portal.operation.limits.ruleset import from_content
from portal.operation.limits.sentences import SENTENCES, field_words
from portal.operation.limits.services import Wanted, draft_change, release_change, withdraw_change

blueprint = Blueprint("limit_changes", __name__, url_prefix="/operation/limits")
POINTS_MOST, POINTS_SHOWN = 10_000, 50


@blueprint.get("/templates")
@requires("alarm.read")
@web_transaction
def show_templates(session: Session) -> ResponseReturnValue:
    """Show the default rules by kind of point with their sources, and a form that sets them for a filter of points."""
    return render_template(
        "limits/templates.html",
        templates=[
            (each, rule_lines(from_content(each.content), each.unit), word_of("measure", each.measure, language()))
            for each in templates(session)
        ],
        english=language().startswith("en"),
        **filter_facts(session),
    )


@blueprint.post("/templates")
@requires("limit.draft")
@web_transaction
def draft_from_template(session: Session) -> ResponseReturnValue:
    """Draw up a draft that sets a template's rules at the points of a filter; fields `template`, `title`, `reason`.

    Points of another measure or unit, and those with an open draft, are left as they are.
    """
    actor, template = current_actor(), find_template(session, request.form.get("template", ""))
    rules = from_content(template.content)
    rows = list(points_listed(session, parse_filter(request.form), scope=actor.scope, most=POINTS_MOST + 1))
    if len(rows) > POINTS_MOST:
        raise Invalid("limit_too_many_points", most=POINTS_MOST)
    fitting = [row for row in rows if (row.measure, row.unit) == (template.measure, template.unit) and row.draft_id is None]
    if not fitting:
        raise Invalid("limit_no_points")
    change = draft_change(
        session,
        [Wanted(row, rules) for row in fitting],
        title=parse_text(request.form, "title", TITLE_CHARS) or template.zh,
        reason=parse_text(request.form, "reason", REASON_CHARS),
        template_key=template.key,
        now=utc_now(),
        actor=actor,
    )
    return redirect(url_for(".show_change", change_id=change.id))


@blueprint.get("/changes")
@requires("alarm.read")
@web_transaction
def list_changes(session: Session) -> ResponseReturnValue:
    """Show the changes of limits, the newest first."""
    state = parse_number(request.args.get("state"))
    state = state if state in (1, 2, 4) else None
    page = changes_page(session, cursor=parse_cursor(request.args), state=state, scope=current_actor().scope)
    address = partial(url_for, ".list_changes", **({"state": state} if state else {}))
    return render_template(
        "limits/changes.html",
        rows=[row[0] for row in page.rows],
        links=neighbours(page, lambda row: (row[0].drafted_at, row[0].id), address),
        states=change_words(),
        state=state,
    )


@blueprint.get("/changes/<int:change_id>")
@requires("alarm.read")
@web_transaction
def show_change(session: Session, change_id: int) -> ResponseReturnValue:
    """Show one change: what differs, its rehearsal as chart and list, and its release."""
    actor = current_actor()
    change = find_change(session, change_id, scope=actor.scope)
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in outcome_words() else ""
    after = parse_number(request.args.get("after")) or 0
    told = change.rehearsal if change.rehearsal_state == "done" else None
    alarms = rehearsal_alarms(session, change_id, outcome=outcome or None, cursor=after, most=ALARMS_SHOWN + 1)
    rows = rules_of_change(session, change_id, most=POINTS_SHOWN)
    problem = release_problem(change.grade, change.drafted_by_id, actor)
    kept = {"outcome": outcome} if outcome else {}
    more = len(alarms) > ALARMS_SHOWN
    return render_template(
        "limits/change.html",
        change=change,
        told=told,
        bars=_bars(session, change) if told else None,
        alarms=alarms[:ALARMS_SHOWN],
        next_url=url_for(".show_change", change_id=change_id, after=alarms[ALARMS_SHOWN - 1][0].id, **kept) if more else None,
        outcome=outcome,
        outcomes=outcome_words(),
        hints=outcome_hints(),
        tones=OUTCOME_TONES,
        points=[(row, differences(row.LimitRule.former, row.LimitRule.content)) for row in rows],
        points_shown=POINTS_SHOWN,
        kept_most=KEPT_MOST,
        states=change_words(),
        words=field_words(),
        kind_word=lambda code: word_of("alarm_kind", code, language()),
        drafting=change.state == 1 and actor.may("limit.draft"),
        problem=SENTENCES[problem]() if problem else None,
    )


def _bars(session: Session, change: Any) -> dict[str, Any]:
    last = local(datetime.fromisoformat(change.rehearsal["until"])).date()
    return day_bars(rehearsal_days(session, change.id), last, int(change.rehearsal_days or 1) + 1)


@blueprint.get("/changes/<int:change_id>/progress")
@requires("alarm.read")
@web_transaction
def show_progress(session: Session, change_id: int) -> ResponseReturnValue:
    """Answer how far the rehearsal of a change is: state, points replayed, points in all."""
    change = find_change(session, change_id, scope=current_actor().scope)
    return jsonify(state=change.rehearsal_state, done=change.rehearsed_points, of=change.points)


@blueprint.get("/changes/<int:change_id>/alarms.csv")
@requires("alarm.read")
@web_transaction
def export_alarms(session: Session, change_id: int) -> ResponseReturnValue:
    """Give the alarms of a rehearsal as CSV; the export is audited."""
    find_change(session, change_id, scope=current_actor().scope)
    outcome, words = request.args.get("outcome") or None, outcome_words()
    made = CsvFile(
        [
            gettext("Outcome"), gettext("Point"), gettext("Name"), gettext("Level"), gettext("Kind"), gettext("Rule"),
            gettext("Measured value"), gettext("Unit"), gettext("Raised at"), gettext("Cleared at"),
            gettext("Back-filled"), gettext("Alarm raised in truth"),
        ]
    )  # fmt: skip
    wanted = outcome if outcome in words else None
    for each, code, name, unit in rehearsal_alarms(session, change_id, outcome=wanted, most=KEPT_MOST):
        made.add(
            [
                words[each.outcome], code, name, word_of("alarm_level", each.level, language()),
                word_of("alarm_kind", each.kind, language()), field_words().get(each.limit_name, each.limit_name),
                each.value, unit, _instant(each.raised_at), _instant(each.cleared_at),
                gettext("yes") if each.historical else gettext("no"), each.alarm_id,
            ]
        )  # fmt: skip
    note_export(session, "limit_rehearsal_alarm", made.rows)
    return made.answer(f"rehearsal-{change_id}-{local(utc_now()):%Y%m%d-%H%M}.csv")


def _instant(at: Any) -> str | None:
    return local(at).strftime("%Y-%m-%d %H:%M:%S") if at else None


@blueprint.post("/changes/<int:change_id>/rehearse")
@requires("limit.draft")
def rehearse(change_id: int) -> ResponseReturnValue:
    """Replay the past under a draft: few points at once, many by the schedule."""
    with opened(worker=True) as session:
        order_rehearsal(session, change_id, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_change", change_id=change_id, _anchor="rehearsal"))


@blueprint.post("/changes/<int:change_id>/release")
@requires("limit.draft")
@web_transaction
def release(session: Session, change_id: int) -> ResponseReturnValue:
    """Put a rehearsed change in force; its level decides who may."""
    release_change(session, change_id, now=utc_now(), actor=current_actor())
    flash(gettext("The rules are in force within five seconds."), "success")
    return redirect(url_for(".show_change", change_id=change_id))


@blueprint.post("/changes/<int:change_id>/withdraw")
@requires("limit.draft")
@web_transaction
def withdraw(session: Session, change_id: int) -> ResponseReturnValue:
    """Put a draft aside."""
    withdraw_change(session, change_id, now=utc_now(), actor=current_actor())
    flash(gettext("The draft was withdrawn."), "success")
    return redirect(url_for(".list_changes"))
