"""Pages of the outbox: what superiors have, what waits and why, and the forms of superiors."""

from __future__ import annotations

import orjson
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from ingestion_adapters.pull.rules import allowed_from
from ingestion_adapters.upward.queries import (
    attempts_of,
    batch_of,
    batches,
    items_of,
    superior_lines,
    superiors,
)
from ingestion_adapters.upward.records import COLLECTORS
from ingestion_adapters.upward.services import Wish, put_superior, send_again, set_state
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.web import current_actor, opened, requires, sentence_of, settings, web_transaction

blueprint = Blueprint("upward", __name__)
PAGE_ROWS = 50
MAX_ID = 2**31 - 1
STATES = ("waiting", "taken", "refused")


def error_words(error: str) -> str:
    """Return the sentence of an error code, and what a superior answered as it stands."""
    return sentence_of(error) or error


@blueprint.get("/intake/upward")
@requires("upward.read")
@web_transaction
def show_outbox(session: Session) -> ResponseReturnValue:
    """Show the outbox; filters `state`, paging `before`."""
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    before = request.args.get("before", 0, type=int)
    found = batches(session, state=state, before=before if 0 < before < MAX_ID else 0, limit=PAGE_ROWS)
    following = (
        url_for(".show_outbox", state=state or None, before=found[PAGE_ROWS - 1][0].id)
        if len(found) > PAGE_ROWS
        else None
    )
    return render_template(
        "intake/upward.html",
        lines=superior_lines(session),
        page=found[:PAGE_ROWS],
        state=state,
        error_words=error_words,
        allowed=bool(allowed_from(settings().upward_hosts)),
        links={"prev": url_for(".show_outbox", state=state or None) if before else None, "next": following},
    )


@blueprint.get("/intake/upward/<int:batch_no>")
@requires("upward.read")
@web_transaction
def show_batch(session: Session, batch_no: int) -> ResponseReturnValue:
    """Show one batch with its records, attempts and receipt."""
    found = batch_of(session, batch_no) if batch_no < MAX_ID else None
    if found is None:
        raise NotFound("upward_batch")
    batch, name = found
    receipt = orjson.dumps(batch.receipt, option=orjson.OPT_INDENT_2).decode() if batch.receipt else ""
    return render_template(
        "intake/upward_one.html",
        batch=batch,
        name=name,
        receipt=receipt,
        attempts=attempts_of(session, batch_no),
        items=items_of(session, batch_no),
        error_words=error_words,
    )


@blueprint.post("/intake/upward/<int:batch_no>/again")
@requires("upward.send")
def again(batch_no: int) -> ResponseReturnValue:
    """Let a batch be sent at once."""
    with opened(worker=True) as session:
        send_again(session, min(batch_no, MAX_ID), now=utc_now(), actor=current_actor())
    flash(gettext("The batch is sent at the next turn"), "ok")
    return redirect(url_for(".show_batch", batch_no=batch_no))


@blueprint.get("/admin/superiors")
@requires("key.manage")
def list_superiors() -> ResponseReturnValue:
    """List superior platforms with their forms."""
    return _forms(None, None, 200)


@blueprint.post("/admin/superiors")
@requires("key.manage")
def enter() -> ResponseReturnValue:
    """Enter a superior platform; form fields `name`, `base_url`, `app_id`, `key`, `sends`."""
    return _put(None)


@blueprint.post("/admin/superiors/<int:superior_id>")
@requires("key.manage")
def change(superior_id: int) -> ResponseReturnValue:
    """Change a superior platform; an empty key keeps the one there is."""
    return _put(min(superior_id, MAX_ID))


@blueprint.post("/admin/superiors/<int:superior_id>/start")
@requires("key.manage")
def start(superior_id: int) -> ResponseReturnValue:
    """Start forwarding to a superior platform."""
    return _switch(superior_id, "running")


@blueprint.post("/admin/superiors/<int:superior_id>/stop")
@requires("key.manage")
def stop(superior_id: int) -> ResponseReturnValue:
    """Stop forwarding to a superior platform; what is owed keeps waiting."""
    return _switch(superior_id, "stopped")


def _switch(superior_id: int, state: str) -> ResponseReturnValue:
    with transaction(settings(), CITY, worker=True) as session:
        set_state(session, min(superior_id, MAX_ID), state, now=utc_now(), actor=current_actor())
    return redirect(url_for(".list_superiors"))


def _put(superior_id: int | None) -> ResponseReturnValue:
    wish = Wish(
        name=request.form.get("name", "").strip(),
        base_url=request.form.get("base_url", "").strip(),
        app_id=request.form.get("app_id", "").strip(),
        key=request.form.get("key", ""),
        sends=request.form.getlist("sends"),
    )
    try:
        with transaction(settings(), CITY, worker=True) as session:
            put_superior(
                session, wish, superior_id=superior_id, settings=settings(), now=utc_now(), actor=current_actor()
            )
    except (Invalid, Conflict) as wrong:
        return _forms(wish if superior_id is None else None, sentence_of(wrong.code), 422)
    flash(gettext("The superior platform is saved"), "ok")
    return redirect(url_for(".list_superiors"))


def _forms(wish: Wish | None, error: str | None, status: int) -> ResponseReturnValue:
    with transaction(settings(), CITY) as session:
        found = superiors(session)
    page = render_template(
        "intake/superiors.html",
        superiors=found,
        datasets=list(COLLECTORS),
        wish=wish,
        error=error,
        allowed=settings().upward_hosts,
    )
    return page, status
