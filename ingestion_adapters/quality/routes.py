"""Pages of data quality: the board, what lies behind a score, findings with their tasks, and reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.monitor import sender_name, senders
from ingestion_adapters.quality import queries as reads
from ingestion_adapters.quality.findings import Waiver, ask_waiver, decide_waiver, reply
from ingestion_adapters.quality.labels import figure_words, object_words, quality_words, state_words, step_words, tenths
from ingestion_adapters.quality.reconciliation import compared
from ingestion_adapters.quality.verdicts import ALL_DATASETS, QUALITIES
from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid
from portal.core.exports import csv_of
from portal.core.paging import neighbours, parse_cursor, parse_number, parse_words
from portal.core.web import current_actor, requires, web_transaction

blueprint = Blueprint("quality", __name__, url_prefix="/intake")
blueprint.add_app_template_filter(tenths, "tenths")
EXPORT_DAYS_MOST = 92


@blueprint.app_context_processor
def words() -> dict[str, Any]:
    """Give the templates of data quality their words."""
    return {"quality_words": quality_words, "figure_words": figure_words}


@blueprint.get("/quality")
@requires("intake.read")
@web_transaction
def show_board(session: Any) -> ResponseReturnValue:
    """Show the six qualities by enterprise with rank and trend, and by feed of one enterprise."""
    now, actor = utc_now(), current_actor()
    day = _day("day") or reads.newest_day(session) or local(now).date()
    ranking = reads.board(session, day)
    chosen = parse_number(request.args.get("enterprise"))
    if chosen is None and len(ranking) == 1:
        chosen = ranking[0].enterprise_id
    return render_template(
        "quality/board.html",
        day=day,
        today=local(now).date(),
        ranking=ranking,
        city=reads.city_scores(session, day),
        own=actor.enterprise_id is not None,
        chosen=next((line for line in ranking if line.enterprise_id == chosen), None),
        feeds=reads.board(session, day, chosen) if chosen is not None else [],
        counts=reads.finding_counts(session, now),
        qualities=QUALITIES,
        names=quality_words(_language()),
    )


@blueprint.get("/quality/scores.csv")
@requires("intake.read")
@web_transaction
def download_scores(session: Any) -> ResponseReturnValue:
    """Give the scores of a span of days as CSV with a byte order mark; the export is audited."""
    last = _day("until") or reads.newest_day(session) or local(utc_now()).date()
    first = max(_day("since") or last - timedelta(days=30), last - timedelta(days=EXPORT_DAYS_MOST))
    names = quality_words(_language())
    lines = [
        [
            gettext("Day"),
            gettext("Enterprise"),
            gettext("Dataset"),
            gettext("Quality dimension"),
            gettext("Score"),
            gettext("Rules"),
            gettext("Computed"),
        ]
    ]
    for row, name in reads.scores_between(session, first, last):
        at = local(row.computed_at).isoformat(timespec="minutes")
        lines.append(
            [row.day.isoformat(), name, row.dataset, names[row.quality], f"{row.score:.2f}", str(row.rules), at]
        )
    record(session, current_actor(), "quality.export", object_type="quality_score", object_id=f"{first}/{last}")
    return csv_of(lines[0], lines[1:], f"quality-{first}-{last}.csv")


@blueprint.get("/quality/behind")
@requires("intake.read")
@web_transaction
def show_behind(session: Any) -> ResponseReturnValue:
    """Show the rules behind a score with their failing objects."""
    enterprise_id, day = parse_number(request.args.get("enterprise")), _day("day")
    if enterprise_id is None or day is None:
        return redirect(url_for(".show_board"))
    dataset = request.args.get("dataset", ALL_DATASETS)
    quality = parse_number(request.args.get("quality")) or 0
    wanted = reads.Behind(
        enterprise_id, day, dataset if dataset in DATASETS else ALL_DATASETS, quality if quality in QUALITIES else 0
    )
    scores = reads.board(session, day, enterprise_id) if wanted.dataset != ALL_DATASETS else reads.board(session, day)
    line = next(
        (each for each in scores if each.enterprise_id == enterprise_id and each.dataset == wanted.dataset), None
    )
    return render_template(
        "quality/behind.html",
        wanted=wanted,
        sender=sender_name(session, enterprise_id),
        line=line,
        results=reads.results_behind(session, wanted),
        names=quality_words(_language()),
        kinds=object_words(),
        english=_language() == "en",
    )


@blueprint.get("/quality/findings")
@requires("intake.read")
@web_transaction
def list_findings(session: Any) -> ResponseReturnValue:
    """List findings, newest first."""
    now, wanted = utc_now(), _finding_filter(request.args)
    page = reads.findings_page(session, wanted, parse_cursor(request.args), now)
    kept = {key: request.args[key] for key in ("enterprise", "quality", "rule", "q") if request.args.get(key)}
    address = partial(url_for, ".list_findings", **kept, view=wanted.view)
    return render_template(
        "quality/findings.html",
        page=page,
        wanted=wanted,
        kept=kept,
        now=now,
        counts=reads.finding_counts(session, now, wanted.enterprise_id),
        enterprises=senders(session),
        names=quality_words(_language()),
        states=state_words(),
        kinds=object_words(),
        english=_language() == "en",
        links=neighbours(page, lambda row: (row[0].opened_at, row[0].id), address),
    )


@blueprint.get("/quality/findings.csv")
@requires("intake.read")
@web_transaction
def download_findings(session: Any) -> ResponseReturnValue:
    """Give the findings of a filter as CSV, the newest first; the export is audited."""
    now, wanted = utc_now(), _finding_filter(request.args)
    names, states, kinds, english = quality_words(_language()), state_words(), object_words(), _language() == "en"
    lines = [
        [
            gettext("Number"), gettext("State"), gettext("Enterprise"), gettext("Quality dimension"), gettext("Rule"),
            gettext("What is wrong"), gettext("Object"), gettext("Figures"), gettext("First day"), gettext("Newest day"),
            gettext("Times found"), gettext("Due"),
        ]
    ]  # fmt: skip
    said = figure_words()
    for row, name, zh, en in reads.findings_exported(session, wanted, now):
        figures = "; ".join(f"{said.get(key, key)} {value}" for key, value in row.figures.items())
        thing = f"{kinds.get(row.object_kind, row.object_kind)} {row.object_code}"
        days = [row.first_day.isoformat(), row.last_day.isoformat(), str(row.days)]
        due = local(row.due_at).isoformat(timespec="minutes")
        head = [row.task_no, states[row.state][0], name, names[row.quality], row.rule_code, en if english else zh]
        lines.append([*head, thing, figures, *days, due])
    record(session, current_actor(), "quality.export_findings", object_type="quality_finding", object_id=wanted.view)
    return csv_of(lines[0], lines[1:], f"quality-findings-{local(now):%Y%m%d}.csv")


def _finding_filter(given: Mapping[str, str]) -> reads.FindingFilter:
    view = given.get("view", "running")
    quality = parse_number(given.get("quality"))
    return reads.FindingFilter(
        view=view if view in ("running", "overdue", "waived", "closed", "all") else "running",
        enterprise_id=parse_number(given.get("enterprise")),
        quality=quality if quality in QUALITIES else None,
        rule=parse_words(given.get("rule")),
        words=parse_words(given.get("q")),
    )


@blueprint.get("/quality/findings/<int:task_id>")
@requires("intake.read")
@web_transaction
def show_finding(session: Any, task_id: int) -> ResponseReturnValue:
    """Show one finding: what is wrong, what the rule asks for, its steps, and what the caller may do."""
    row, enterprise, rule = reads.finding_of(session, task_id)
    actor, now = current_actor(), utc_now()
    running = row.state in ("open", "answered")
    asked = running and row.waive_asked_by is not None
    return render_template(
        "quality/finding.html",
        row=row,
        rule=rule,
        enterprise=enterprise,
        steps=_told(reads.steps_of(session, task_id)),
        names=quality_words(_language()),
        states=state_words(),
        kinds=object_words(),
        english=_language() == "en",
        overdue=running and row.due_at < now,
        may_reply=row.state != "closed" and actor.may("case.reply") and actor.enterprise_id == row.enterprise_id,
        may_ask=running and not asked and actor.may("quality.manage"),
        may_decide=asked and actor.may("quality.manage") and actor.id != row.waive_asked_by,
        asked=asked,
    )


def _told(steps: Any) -> list[dict[str, Any]]:
    said = step_words()
    tones = {"close": "ok", "open": "bad", "again": "bad", "waive": "warn"}
    return [
        {
            "at": step.at,
            "title": said.get(step.action, step.action),
            "text": step.note,
            "who": "" if step.actor_kind == "job" else step.actor_name,
            "tone": tones.get(step.action, ""),
        }
        for step in reversed(steps)
    ]


@blueprint.post("/quality/findings/<int:task_id>/reply")
@requires("case.reply")
@web_transaction
def reply_to_finding(session: Any, task_id: int) -> ResponseReturnValue:
    """Keep the enterprise's answer; form field `words`."""
    reply(session, task_id, words=request.form.get("words", ""), now=utc_now(), actor=current_actor())
    flash(gettext("Your answer was kept. The finding closes when the rule passes on newer data."))
    return redirect(url_for(".show_finding", task_id=task_id))


@blueprint.post("/quality/findings/<int:task_id>/waiver")
@requires("quality.manage")
@web_transaction
def ask_to_waive(session: Any, task_id: int) -> ResponseReturnValue:
    """Ask for a waiver; form field `words`."""
    ask_waiver(session, task_id, words=request.form.get("words", ""), now=utc_now(), actor=current_actor())
    flash(gettext("A second person decides on the waiver."))
    return redirect(url_for(".show_finding", task_id=task_id))


@blueprint.post("/quality/findings/<int:task_id>/waiver/decision")
@requires("quality.manage")
@web_transaction
def decide_on_waiver(session: Any, task_id: int) -> ResponseReturnValue:
    """Grant or refuse a waiver; form fields `words`, `days`, `grant` yes or no."""
    days = parse_number(request.form.get("days"))
    if days is None:
        raise Invalid("quality_waive_days")
    said = Waiver(request.form.get("grant") == "yes", request.form.get("words", ""), days)
    decide_waiver(session, task_id, said, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_finding", task_id=task_id))


@blueprint.get("/reconciliation")
@requires("intake.read")
@web_transaction
def show_reconciliation(session: Any) -> ResponseReturnValue:
    """Show what was received on a day beside what the enterprises say they sent."""
    today = local(utc_now()).date()
    day = _day("day") or today - timedelta(days=1)
    chosen = parse_number(request.args.get("enterprise"))
    known = senders(session)
    lines = compared(session, day, chosen)
    return render_template(
        "quality/reconciliation.html",
        day=day,
        today=today,
        lines=lines,
        chosen=chosen,
        enterprises=known,
        names=dict(known),
        sums={state: sum(line.state == state for line in lines) for state in ("equal", "differs", "undeclared")},
    )


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2999 else None


def _language() -> str:
    return "en" if str(get_locale()).startswith("en") else "zh"
