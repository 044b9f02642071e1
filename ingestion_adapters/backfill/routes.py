"""Pages of late deliveries: what waits, asking ahead, and the city's decisions."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.holding import limits_in_force
from ingestion_adapters.backfill.queries import PAGE_ROWS, held_within, request_line, requests_listed
from ingestion_adapters.backfill.services import OPEN, Span, ask, decide, explain, withdraw
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, web_transaction

blueprint = Blueprint("backfill", __name__, url_prefix="/intake/backfill")


def state_words() -> dict[str, tuple[str, str]]:
    """Return state -> word and tone, in the order of the tabs."""
    return {
        "asked": (gettext("Waits for approval"), "warn"),
        "noted": (gettext("Taken by request"), ""),
        "approved": (gettext("Back-fill approved"), "ok"),
        "refused": (gettext("Back-fill refused"), "bad"),
        "withdrawn": (gettext("Request withdrawn"), ""),
    }


@blueprint.get("")
@requires("intake.read")
@web_transaction
def list_requests(session: Session) -> ResponseReturnValue:
    """List the requests in scope, newest first; filter `state`, paging `before`."""
    words = state_words()
    state = request.args.get("state", "")
    state = state if state in words else ""
    before = request.args.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else 0
    found = requests_listed(session, state=state, before=number)
    page = found[:PAGE_ROWS]
    following = None
    if len(found) > PAGE_ROWS:
        following = url_for(".list_requests", state=state or None, before=page[-1].row.id)
    return render_template(
        "intake/backfill.html",
        page=page,
        state=state,
        words=words,
        limits=limits_in_force(session)[0],
        may_ask=_may_ask(),
        links={"prev": url_for(".list_requests", state=state or None) if number else None, "next": following},
    )


@blueprint.post("")
@requires("onboarding.apply")
@web_transaction
def ask_ahead(session: Session) -> ResponseReturnValue:
    """Ask that readings of a span be taken; fields `begin` and `end` (city time, minutes), `reason`."""
    span = Span(_minute(request.form.get("begin", "")), _minute(request.form.get("end", "")))
    row = ask(session, span, request.form.get("reason", ""), now=utc_now(), actor=current_actor())
    flash(gettext("The request is with the city"), "ok")
    return redirect(url_for(".show_request", request_id=row.id))


@blueprint.get("/<int:request_id>")
@requires("intake.read")
@web_transaction
def show_request(session: Session, request_id: int) -> ResponseReturnValue:
    """Show one request with the batches that wait for it."""
    line, actor = request_line(session, request_id), current_actor()
    undecided = line.row.state in OPEN
    own = _may_ask() and actor.enterprise_id == line.row.enterprise_id
    return render_template(
        "intake/backfill_one.html",
        line=line,
        row=line.row,
        batches=held_within(session, line.row),
        words=state_words(),
        may_decide=undecided and actor.may("quality.manage"),
        may_explain=undecided and own,
        may_withdraw=undecided and own and line.row.opened_how != "delivery",
    )


@blueprint.post("/<int:request_id>/explain")
@requires("onboarding.apply")
@web_transaction
def say_why(session: Session, request_id: int) -> ResponseReturnValue:
    """Keep the enterprise's reason; field `reason`."""
    explain(session, request_id, request.form.get("reason", ""), actor=current_actor())
    return redirect(url_for(".show_request", request_id=request_id))


@blueprint.post("/<int:request_id>/withdraw")
@requires("onboarding.apply")
@web_transaction
def take_back(session: Session, request_id: int) -> ResponseReturnValue:
    """Withdraw what was asked ahead."""
    withdraw(session, request_id, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_request", request_id=request_id))


@blueprint.post("/<int:request_id>/approve")
@requires("quality.manage")
@web_transaction
def approve_request(session: Session, request_id: int) -> ResponseReturnValue:
    """Let the readings in; fields `reason`, and `begin`, `end` as the page showed them."""
    return _decided(session, request_id, approve=True)


@blueprint.post("/<int:request_id>/refuse")
@requires("quality.manage")
@web_transaction
def refuse_request(session: Session, request_id: int) -> ResponseReturnValue:
    """Keep the readings out; fields as for the approval."""
    return _decided(session, request_id, approve=False)


def _decided(session: Session, request_id: int, *, approve: bool) -> ResponseReturnValue:
    form = request.form
    seen = Span(_instant(form.get("begin", "")), _instant(form.get("end", "")))
    actor = current_actor()
    decide(session, request_id, seen, form.get("reason", ""), approve=approve, now=utc_now(), actor=actor)
    if approve:
        flash(gettext("Approved: what waits is stored within a minute"), "ok")
    else:
        flash(gettext("Refused: what came is kept and not stored"), "ok")
    return redirect(url_for(".show_request", request_id=request_id))


def _may_ask() -> bool:
    actor = current_actor()
    return actor.enterprise_id is not None and actor.may("onboarding.apply")


def _minute(words: str) -> datetime:
    """Return the instant of a minute in city time, as a form gives it."""
    try:
        return datetime.strptime(words[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=CITY_ZONE)
    except ValueError as wrong:
        raise Invalid("backfill_span") from wrong


def _instant(words: str) -> datetime:
    try:
        found = datetime.fromisoformat(words)
    except ValueError as wrong:
        raise Invalid("backfill_span") from wrong
    if found.tzinfo is None:
        raise Invalid("backfill_span")
    return found
