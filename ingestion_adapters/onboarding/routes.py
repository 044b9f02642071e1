"""Pages of onboarding: applying, reviewing, keys, the test report; and the versions of the interfaces."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.onboarding import interface_routes
from ingestion_adapters.onboarding.labels import (
    case_words,
    door_words,
    paper_words,
    progress_of,
    state_words,
    step_words,
    tone_of,
)
from ingestion_adapters.onboarding.papers import SUFFIXES, stored_papers
from ingestion_adapters.onboarding.queries import (
    document_by_id,
    documents_of,
    enterprise_of,
    onboarding_by_id,
    onboardings,
    sandbox_report,
    steps_of,
)
from ingestion_adapters.onboarding.rules import DOCUMENTS, DOORS, MOVES, passes
from ingestion_adapters.onboarding.services import (
    Application,
    apply,
    check_application,
    issue_key,
    open_onboarding,
    steps_open_to,
    take_step,
)
from portal.accounts.keys import NewKey
from portal.accounts.queries import enterprises
from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid, NotFound
from portal.core.pdf import pdf_of
from portal.core.web import current_actor, opened, requires, settings, web_transaction

blueprint = Blueprint("onboarding", __name__, url_prefix="/intake")
blueprint.register_blueprint(interface_routes.blueprint)
TEXTS = ("adcode", "licence_no", "contact_name", "contact_phone", "system_name")


@blueprint.get("/onboarding")
@requires("onboarding.read")
@web_transaction
def list_onboardings(session: Session) -> ResponseReturnValue:
    """List the applications in scope, those with a limit first."""
    state = request.args.get("state", "")
    words = state_words()
    found = onboardings(session, state=state if state in words else "")
    return render_template(
        "onboarding/list.html", found=found, words=words, tone_of=tone_of, state=state, now=utc_now()
    )


@blueprint.get("/onboarding/new")
@requires("onboarding.apply")
@web_transaction
def application_form(session: Session) -> ResponseReturnValue:
    """Show the form of an application."""
    senders = _senders(session)
    before = [line.row for line in onboardings(session) if line.row.state == "refused"]
    return render_template(
        "onboarding/apply.html",
        senders=senders,
        blocked={each.id for each in senders if open_onboarding(session, each.id)},
        last=before[0] if before and len(senders) == 1 else None,
        districts=district_names(session, str(get_locale())),
        datasets=list(DATASETS),
        doors={door: door_words()[door] for door in DOORS},
        papers=paper_words(),
        suffixes=SUFFIXES,
        today=utc_now().date(),
    )


@blueprint.post("/onboarding")
@requires("onboarding.apply")
@web_transaction
def send_application(session: Session) -> ResponseReturnValue:
    """Take an application; fields of the form, several `datasets` and `doors`, one file for each kind of document."""
    enterprise_id = request.form.get("enterprise", type=int)
    if enterprise_id not in {each.id for each in _senders(session)}:
        raise NotFound("enterprise")
    given = _application()
    files = [(kind, file) for kind in DOCUMENTS for file in request.files.getlist(f"paper_{kind}")]
    check_application(session, enterprise_id, given, utc_now())
    papers = stored_papers(files, settings().data_dir)
    row = apply(session, enterprise_id, given, papers, now=utc_now(), actor=current_actor())
    flash(gettext("The application is with the district"), "ok")
    return redirect(url_for(".show_onboarding", onboarding_id=row.id))


def _application() -> Application:
    form = request.form
    texts = {name: form.get(name, "").strip()[:200] for name in TEXTS}
    try:
        days = {name: date.fromisoformat(form.get(name, "")) for name in ("licence_expire_on", "planned_on")}
    except ValueError as wrong:
        raise Invalid("onboarding_incomplete") from wrong
    if any("\x00" in text for text in (*texts.values(), form.get("note", ""))):
        raise Invalid("onboarding_incomplete")
    return Application(
        **texts,
        **days,
        datasets=[name for name in DATASETS if name in form.getlist("datasets")],
        doors=[door for door in DOORS if door in form.getlist("doors")],
        note=form.get("note", "").strip()[:1000],
    )


@blueprint.get("/onboarding/<int:onboarding_id>")
@requires("onboarding.read")
@web_transaction
def show_onboarding(session: Session, onboarding_id: int) -> ResponseReturnValue:
    """Show one application: how far it is, what it says, and what the reader may do now."""
    return _page(session, onboarding_id)


def _page(session: Session, onboarding_id: int, key: NewKey | None = None) -> str:
    row, actor = onboarding_by_id(session, onboarding_id), current_actor()
    steps = steps_of(session, row.id)
    words = step_words()
    tones = {"refuse": "bad", "back": "warn", "pass": "ok"}
    timeline = [
        {
            "at": step.at,
            "title": words[step.step],
            "text": step.reason,
            "who": step.actor_name,
            "tone": tones.get(step.step.rpartition("_")[2], ""),
        }
        for step in steps
    ]
    given, report = any(step.step == "live_key" for step in steps), sandbox_report(session, row)
    return render_template(
        "onboarding/show.html",
        row=row,
        enterprise=enterprise_of(session, row.enterprise_id),
        doors=[door_words()[door] for door in row.doors],
        progress=progress_of(row, steps),
        timeline=timeline,
        documents=documents_of(session, row.id),
        may=steps_open_to(session, row, actor) - ({"live_key"} if given else set()),
        report=report,
        new_key=key,
        passed=passes(report.cases),
        words={"state": state_words(), "paper": paper_words()},
        tone_of=tone_of,
        districts=district_names(session, str(get_locale())),
        now=utc_now(),
    )


@blueprint.post("/onboarding/<int:onboarding_id>/steps/<step>")
@requires("onboarding.read")
@web_transaction
def move_on(session: Session, onboarding_id: int, step: str) -> ResponseReturnValue:
    """Take a step that gives out no key; form field `reason`."""
    if step not in MOVES or step in ("sandbox_key", "live_key"):
        raise NotFound("onboarding")
    reason = request.form.get("reason", "").replace("\x00", "")
    take_step(session, onboarding_id, step, reason=reason, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_onboarding", onboarding_id=onboarding_id))


@blueprint.post("/onboarding/<int:onboarding_id>/key")
@requires("onboarding.apply")
@web_transaction
def give_key(session: Session, onboarding_id: int) -> ResponseReturnValue:
    """Make the key of the application's state; the answer is the only place where it can be read."""
    made = issue_key(session, onboarding_id, settings=settings(), now=utc_now(), actor=current_actor())
    return _page(session, onboarding_id, made)


@blueprint.get("/onboarding/<int:onboarding_id>/report")
@requires("onboarding.read")
@web_transaction
def show_report(session: Session, onboarding_id: int) -> ResponseReturnValue:
    """Show the test report: required cases, what is missing, and what was refused last; it prints on its own."""
    row = onboarding_by_id(session, onboarding_id)
    report = sandbox_report(session, row)
    return render_template(
        "onboarding/report.html",
        row=row,
        enterprise=enterprise_of(session, row.enterprise_id),
        report=report,
        passed=passes(report.cases),
        words=case_words(),
        may_ask="ask_live" in steps_open_to(session, row, current_actor()),
        english=str(get_locale()).startswith("en"),
        now=utc_now(),
    )


@blueprint.get("/onboarding/<int:onboarding_id>/report.pdf")
@requires("onboarding.read")
def download_report(onboarding_id: int) -> ResponseReturnValue:
    """Give the test report as PDF; the reading is audited, the database let go before the document is made."""
    actor, now, language = current_actor(), utc_now(), str(get_locale() or "zh_CN")
    with opened() as session:
        row = onboarding_by_id(session, onboarding_id)
        report = sandbox_report(session, row)
        page = render_template(
            "onboarding/report_pdf.html",
            row=row,
            enterprise=enterprise_of(session, row.enterprise_id),
            report=report,
            passed=passes(report.cases),
            words=case_words(),
            states=state_words(),
            english=language.startswith("en"),
            language="en" if language.startswith("en") else "zh-CN",
            now=now,
            made_by=actor.shown_name,
        )
        about = {"object_type": "onboarding", "object_id": row.id, "enterprise_id": row.enterprise_id}
        record(session, actor, "sandbox.report", **about)
    pdf = pdf_of(page, late="onboarding_pdf_late", failed="onboarding_pdf_failed")
    name = f"test-report-{onboarding_id}-{local(now):%Y%m%d-%H%M}.pdf"
    return Response(pdf, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@blueprint.get("/onboarding/<int:onboarding_id>/documents/<int:document_id>")
@requires("onboarding.read")
@web_transaction
def download_document(session: Session, onboarding_id: int, document_id: int) -> ResponseReturnValue:
    """Give a document of an application as a download; the reading is audited."""
    found = document_by_id(session, onboarding_id, document_id)
    path = settings().data_dir / found.place
    if not path.is_file():
        abort(404)
    record(
        session,
        current_actor(),
        "onboarding.document.read",
        object_type="onboarding_document",
        object_id=found.id,
        enterprise_id=found.enterprise_id,
    )
    answer = Response(path.read_bytes(), mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=found.name)
    return answer


def _senders(session: Session) -> list[Any]:
    scope = current_actor().scope
    return [each for each in enterprises(session) if scope.whole_city or each.id in scope.enterprise_ids]
