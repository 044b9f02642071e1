"""Pages of the reports: list and making, one report with its figures, file, verification, ranking."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from portal.core.clock import local, utc_now
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, sentence_of, web_transaction
from reports import archive
from reports.advice import maintenance, worst_indicators
from reports.agreement_routes import blueprint as agreement_pages
from reports.builders.evaluation import snapshot_digest
from reports.document import GRADE_WORDS, REASONS, Drawings
from reports.finding_routes import blueprint as finding_pages
from reports.findings import METHODS
from reports.indicators import GROUP_NAMES, GROUP_WEIGHTS
from reports.orders import OrderLine, order_line, orders_of, place_order
from reports.queries import active_enterprises
from reports.services import (
    MAX_FILE_BYTES,
    Order,
    hand_out,
    month_of,
    verify_file,
)
from reports.wording import LANGUAGES, wording

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("reports", __name__)
blueprint.register_blueprint(finding_pages)
blueprint.register_blueprint(agreement_pages)
PAGE_ROWS = 50
MONTHS_OFFERED = 13
TREND_MONTHS = 6


def language() -> str:
    """Return the caller's language as the reports know it."""
    return "en" if str(get_locale()).startswith("en") else LANGUAGES[0]


@blueprint.get("/reports")
@requires("report.read")
@web_transaction
def list_reports(session: Session) -> ResponseReturnValue:
    """List the reports of the scope, with the form to make one."""
    chosen = request.args.get("enterprise", type=int)
    before = request.args.get("before", type=int)
    lines = archive.reports(session, enterprise_id=chosen, before_id=before, rows=PAGE_ROWS + 1)
    more = len(lines) > PAGE_ROWS
    lines = lines[:PAGE_ROWS]
    onward = url_for("reports.list_reports", enterprise=chosen, before=lines[-1].id) if more else None
    return render_template(
        "reports/list.html",
        lines=lines,
        enterprises=active_enterprises(session),
        chosen=chosen,
        months=_months_offered(),
        onward=onward,
        may_make=current_actor().may("report.make"),
        **_own_orders(session),
        say=wording(language()),
        grade_words=GRADE_WORDS,
        language=language(),
    )


@blueprint.post("/reports")
@requires("report.make")
@web_transaction
def make(session: Session) -> ResponseReturnValue:
    """Order one evaluation; form fields `enterprise`, `period` (2026-10), `language`."""
    wanted = request.form.get("enterprise", type=int)
    if wanted is None:
        raise Invalid("enterprise_not_chosen")
    order = Order(
        "evaluation",
        wanted,
        month_of(request.form.get("period", "")),
        request.form.get("language", language()),
    )
    placed = place_order(session, order, actor=current_actor(), now=utc_now())
    return redirect(url_for("reports.show_order", order_id=placed.id), 303)


@blueprint.get("/reports/orders/<int:order_id>")
@requires("report.make")
@web_transaction
def show_order(session: Session, order_id: int) -> ResponseReturnValue:
    """Show how far a report is; a finished one leads to its report."""
    order = order_line(session, order_id)
    if order.report_id is not None:
        return redirect(url_for("reports.show", report_id=order.report_id), 303)
    return render_template("reports/order.html", order=order, step_words=_step_words(), why=_why(order))


@blueprint.get("/reports/orders/<int:order_id>/progress")
@requires("report.make")
@web_transaction
def order_progress(session: Session, order_id: int) -> ResponseReturnValue:
    """Give the progress bar; a finished report opens itself, a failed one says why."""
    order = order_line(session, order_id)
    if order.report_id is not None:
        return Response("", headers={"HX-Redirect": url_for("reports.show", report_id=order.report_id)})
    return render_template("reports/order_progress.html", order=order, step_words=_step_words(), why=_why(order))


@blueprint.get("/reports/orders")
@requires("report.make")
@web_transaction
def own_orders(session: Session) -> ResponseReturnValue:
    """Give the caller's reports that are being made and those of the last day, as a part of the list page."""
    return render_template("reports/orders.html", **_own_orders(session))


@blueprint.get("/reports/<int:report_id>")
@requires("report.read")
@web_transaction
def show(session: Session, report_id: int) -> ResponseReturnValue:
    """Show one report: score, indicators with their computation, figures, versions."""
    found = archive.report(session, report_id)
    say = wording(language())
    return render_template(
        "reports/show.html",
        report=found,
        s=found.snapshot,
        until=datetime.fromisoformat(found.snapshot["period"]["until"]),
        say=say,
        chart=Drawings(found.snapshot, say, language()),
        versions=archive.versions(session, found),
        grade_words=GRADE_WORDS,
        group_names=GROUP_NAMES,
        reasons=REASONS,
        methods=METHODS,
        worst=worst_indicators(found.snapshot),
        advice=maintenance(found.snapshot, language())[:8],
        intact=snapshot_digest(found.snapshot) == found.snapshot_sm3,
    )


@blueprint.get("/reports/<int:report_id>.pdf")
@requires("report.read")
@web_transaction
def download(session: Session, report_id: int) -> ResponseReturnValue:
    """Send the archived file; the audit keeps who took it."""
    found = hand_out(session, report_id, actor=current_actor())
    return send_file(
        io.BytesIO(found.pdf),
        mimetype="application/pdf",
        as_attachment=request.args.get("view") is None,
        download_name=f"{found.title.replace(' ', '_')}_V{found.version}.pdf",
    )


@blueprint.get("/reports/verify")
@requires("report.read")
def verify_form() -> ResponseReturnValue:
    """Show the form that takes a file to verify."""
    return render_template("reports/verify.html", verdict=None)


@blueprint.post("/reports/verify")
@requires("report.read")
@web_transaction
def verify(session: Session) -> ResponseReturnValue:
    """Tell whether the uploaded field `file` is a true copy of an archived report."""
    upload = request.files.get("file")
    content = upload.stream.read(MAX_FILE_BYTES) if upload else b""
    if not content:
        raise Invalid("no_file_given")
    return render_template("reports/verify.html", verdict=verify_file(session, content))


@blueprint.get("/evaluation")
@requires("report.read")
@web_transaction
def ranking(session: Session) -> ResponseReturnValue:
    """Rank the enterprises of a month by their newest evaluation, with the months before."""
    months = archive.months_with_reports(session)
    asked = request.args.get("month")
    month = month_of(asked) if asked else (months[0] if months else None)
    rows = _ranking_rows(session, month, months) if month else []
    return render_template(
        "reports/ranking.html",
        month=month,
        months=months,
        rows=rows,
        trend_months=_trend_months(month, months),
        groups=[(group, GROUP_NAMES[group], weight) for group, weight in GROUP_WEIGHTS.items()],
        say=wording(language()),
        grade_words=GRADE_WORDS,
        may_make=current_actor().may("report.make"),
    )


def _trend_months(month: date | None, months: list[date]) -> list[date]:
    return sorted(each for each in months if month and each <= month)[-TREND_MONTHS:]


def _ranking_rows(session: Session, month: date, months: list[date]) -> list[dict[str, Any]]:
    """Return one row an enterprise, best first; `trend` holds the scores of the months shown."""
    past = {each: archive.newest_of_month(session, each) for each in _trend_months(month, months)}
    lines = archive.newest_of_month(session, month)
    rows = []
    for enterprise_id, line in lines.items():
        total = archive.total_of(session, line.id)
        rows.append(
            {
                "line": line,
                "grade": line.grade or "",
                "groups": {group: score for group, _, score in total["groups"]},
                "coverage": total["coverage"],
                "trend": [found[enterprise_id].score if enterprise_id in found else None for found in past.values()],
            }
        )
    return sorted(rows, key=lambda row: -1.0 if row["line"].score is None else row["line"].score, reverse=True)


def _months_offered() -> list[str]:
    """Return this month and the twelve before, newest first, as 2026-10."""
    month, found = local(utc_now()).date().replace(day=1), []
    for _ in range(MONTHS_OFFERED):
        found.append(f"{month:%Y-%m}")
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def _own_orders(session: Session) -> dict[str, Any]:
    actor, now = current_actor(), utc_now()
    orders = orders_of(session, actor.id, now) if actor.may("report.make") else []
    return {"orders": orders, "step_words": _step_words(), "reasons_of": {each.id: _why(each) for each in orders}}


def _step_words() -> dict[str, str]:
    return {
        "waiting": gettext("Waiting for its turn"),
        "figures": gettext("Computing the figures and indicators"),
        "map": gettext("Drawing the network map"),
        "pages": gettext("Setting the pages"),
        "archive": gettext("Archiving"),
        "done": gettext("Done"),
    }


def _why(order: OrderLine) -> str:
    return sentence_of(order.error, month=f"{order.period:%Y-%m}", kind="") if order.error else ""
