"""Pages of on-site findings: those of an enterprise and month, entering one, its versions, its evidence."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from portal.accounts.queries import enterprise_by_id
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid, NotFound
from portal.core.web import current_actor, requires, web_transaction
from reports.findings import (
    MAX_EVIDENCE_BYTES,
    METHODS,
    VERDICTS,
    FindingForm,
    current_findings,
    evidence_of,
    finding,
    new_finding,
    record_finding,
    versions_of,
)
from reports.indicators import DEFINITIONS
from reports.queries import active_enterprises
from reports.services import month_of
from reports.wording import LANGUAGES, wording

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reports.models import SiteFinding

blueprint = Blueprint("findings", __name__, url_prefix="/evaluation")


@blueprint.get("/findings")
@requires("report.read")
@web_transaction
def of_month(session: Session) -> ResponseReturnValue:
    """List the findings of an enterprise and month, with the form to enter one; `enterprise`, `month`."""
    scope = current_actor().scope
    firms = [
        each for each in active_enterprises(session) if not scope.enterprise_ids or each["id"] in scope.enterprise_ids
    ]
    chosen = request.args.get("enterprise", type=int) or (firms[0]["id"] if firms else 0)
    month = _month(request.args.get("month", ""))
    rows = current_findings(session, chosen, month) if 0 < chosen < 2**31 else []
    return render_template(
        "reports/findings.html",
        rows=rows,
        enterprises=firms,
        chosen=chosen,
        month=month,
        values=None,
        **_words(),
    )


@blueprint.post("/findings")
@requires("finding.record")
@web_transaction
def enter(session: Session) -> ResponseReturnValue:
    """Enter a finding; form fields of `FindingForm`, `enterprise`, `month`, and the file `evidence`."""
    chosen = request.form.get("enterprise", type=int)
    if chosen is None or not 0 < chosen < 2**31:
        raise Invalid("enterprise_not_chosen")
    if not current_actor().scope.covers(chosen, None):
        raise NotFound("enterprise", enterprise_id=chosen)
    enterprise_by_id(session, chosen)
    month = _month(request.form.get("month", ""))
    made = _record(session, new_finding(chosen, month))
    flash(gettext("The finding was entered as number %(number)s.", number=made.number), "success")
    return redirect(url_for(".of_month", enterprise=chosen, month=f"{month:%Y-%m}"), 303)


@blueprint.get("/findings/<int:finding_id>")
@requires("report.read")
@web_transaction
def show(session: Session, finding_id: int) -> ResponseReturnValue:
    """Show a finding with all its versions, and the form for the next one."""
    found = finding(session, finding_id)
    versions = versions_of(session, found)
    return render_template(
        "reports/finding.html",
        versions=versions,
        values=versions[0],
        enterprise=enterprise_by_id(session, found.enterprise_id),
        month=found.period_from,
        **_words(),
    )


@blueprint.post("/findings/<int:finding_id>")
@requires("finding.record")
@web_transaction
def correct(session: Session, finding_id: int) -> ResponseReturnValue:
    """Enter the next version of a finding, or take it back; fields as in `enter`, `reason` and `withdrawn`."""
    made = _record(session, versions_of(session, finding(session, finding_id))[0])
    flash(gettext("Version %(version)s holds now; the former ones are kept.", version=made.version), "success")
    return redirect(url_for(".show", finding_id=made.id), 303)


@blueprint.get("/evidence/<int:evidence_id>")
@requires("report.read")
@web_transaction
def evidence(session: Session, evidence_id: int) -> ResponseReturnValue:
    """Send the file that proves a finding; the audit keeps who took it."""
    found = evidence_of(session, evidence_id, actor=current_actor())
    return send_file(io.BytesIO(found.content), mimetype=found.media_type, as_attachment=True, download_name=found.name)


def _record(session: Session, before: SiteFinding) -> SiteFinding:
    upload, now = request.files.get("evidence"), utc_now()
    content = upload.stream.read(MAX_EVIDENCE_BYTES + 1) if upload else b""
    return record_finding(
        session,
        FindingForm.parse(request.form, now),
        before=before,
        evidence=(upload.filename or "", content) if upload and content else None,
        actor=current_actor(),
        now=now,
    )


def _month(words: str) -> date:
    return month_of(words) if words else local(utc_now()).date().replace(day=1)


def _words() -> dict[str, Any]:
    english = str(get_locale()).startswith("en")
    today = local(utc_now())
    return {
        "methods": METHODS,
        "verdicts": VERDICTS,
        "indicators": DEFINITIONS,
        "say": wording("en" if english else LANGUAGES[0]),
        "latest": f"{today:%Y-%m-%dT%H:%M}",
        "may_record": current_actor().may("finding.record"),
    }
