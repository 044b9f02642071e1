"""Administration of the enterprises' own interfaces that are asked by schedule."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ingestion_adapters.dataset_labels import dataset_choices
from ingestion_adapters.pull.jobs import ask_now
from ingestion_adapters.pull.models import PullSource
from ingestion_adapters.pull.rules import allowed_from, listed
from ingestion_adapters.pull.services import (
    Wish,
    add_source,
    change_source,
    runs_of,
    set_running,
    source_by_id,
    sources,
)
from portal.accounts.queries import enterprises
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, sentence_of, settings

blueprint = Blueprint("pull", __name__, url_prefix="/admin/pull")


@blueprint.get("")
@requires("enterprise.manage")
def list_sources() -> ResponseReturnValue:
    """List every source with its state, and the form for a new one."""
    return _list_page(None, "")


@blueprint.post("")
@requires("enterprise.manage")
def add() -> ResponseReturnValue:
    """Enter a source; fields `enterprise`, `dataset`, `url`, `period_s`, `header_name`, `header_value`, `cursor`."""
    wish = _wish(request.form.get("enterprise", default=0, type=int), request.form.get("dataset", ""))
    try:
        with transaction(settings(), CITY) as session:
            made = add_source(session, wish, settings=settings(), now=utc_now(), actor=current_actor())
    except Invalid as refused:
        return _list_page(wish, sentence_of(refused.code, **refused.facts)), 422
    return redirect(url_for(".show_source", source_id=made.id))


@blueprint.get("/<int:source_id>")
@requires("enterprise.manage")
def show_source(source_id: int) -> ResponseReturnValue:
    """Show one source, its form and the newest questions."""
    return _page(source_id, None, "")


@blueprint.post("/<int:source_id>")
@requires("enterprise.manage")
def change(source_id: int) -> ResponseReturnValue:
    """Change a source; the fields of a new one without enterprise and dataset. An empty header value keeps the old."""
    with transaction(settings(), CITY) as session:
        found = source_by_id(session, source_id)
    wish = _wish(found.enterprise_id, found.dataset)
    try:
        with transaction(settings(), CITY) as session:
            change_source(session, source_id, wish, settings=settings(), now=utc_now(), actor=current_actor())
    except Invalid as refused:
        return _page(source_id, wish, sentence_of(refused.code, **refused.facts)), 422
    return redirect(url_for(".show_source", source_id=source_id))


@blueprint.post("/<int:source_id>/stop")
@requires("enterprise.manage")
def stop(source_id: int) -> ResponseReturnValue:
    """Stop asking a source."""
    return _set(source_id, running=False)


@blueprint.post("/<int:source_id>/start")
@requires("enterprise.manage")
def start(source_id: int) -> ResponseReturnValue:
    """Ask a source again."""
    return _set(source_id, running=True)


@blueprint.post("/<int:source_id>/now")
@requires("enterprise.manage")
def now(source_id: int) -> ResponseReturnValue:
    """Ask a source in the next turn."""
    with transaction(settings(), CITY) as session:
        ask_now(session, source_by_id(session, source_id).id, utc_now())
    return redirect(url_for(".show_source", source_id=source_id))


def _set(source_id: int, *, running: bool) -> ResponseReturnValue:
    with transaction(settings(), CITY) as session:
        set_running(session, source_id, running, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_source", source_id=source_id))


def _wish(enterprise_id: int, dataset: str) -> Wish:
    return Wish(
        enterprise_id=enterprise_id,
        dataset=dataset,
        url=request.form.get("url", "").strip(),
        period_s=request.form.get("period_s", default=0, type=int),
        header_name=request.form.get("header_name", "").strip(),
        header_value=request.form.get("header_value", "").strip(),
        cursor=request.form.get("cursor", "").strip(),
    )


def _list_page(wish: Wish | None, error: str) -> str:
    with transaction(settings(), CITY) as session:
        found, owners = sources(session), enterprises(session)
    return render_template(
        "intake/pull.html",
        sources=found,
        owners=owners,
        names={each.id: each.short_name for each in owners},
        datasets=dataset_choices(),
        allowed=_allowed(),
        wish=wish,
        error=error,
        words=_words(found),
    )


def _page(source_id: int, wish: Wish | None, error: str) -> str:
    with transaction(settings(), CITY) as session:
        source = source_by_id(session, source_id)
        runs = runs_of(session, source_id)
        names = {each.id: each.short_name for each in enterprises(session)}
    words = _words([source]) | {run.error: sentence_of(run.error) or run.error for run in runs if run.error}
    return render_template(
        "intake/pull_one.html",
        source=source,
        owner=names.get(source.enterprise_id, ""),
        runs=runs,
        allowed=_allowed(),
        wish=wish,
        error=error,
        words=words,
    )


def _allowed() -> list[str]:
    return list(listed(allowed_from(settings().pull_hosts)))


def _words(found: object) -> dict[str, str]:
    errors = {each.last_error for each in found if isinstance(each, PullSource) and each.last_error}  # type: ignore[attr-defined]
    return {error: sentence_of(error) or error for error in errors}
