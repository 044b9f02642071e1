"""Pages of the interface versions: what is in service, what will be retired, who has read it."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from ingestion_adapters.onboarding.interfaces import (
    AHEAD_DAYS,
    Announcement,
    announce_retirement,
    has_read,
    note_read,
    notice_of,
    notices_of,
    regulators_named,
    regulators_read,
    take_back_retirement,
    users_of,
    versions,
)
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, web_transaction

blueprint = Blueprint("interfaces", __name__)


@blueprint.get("/interfaces")
@requires("intake.read")
@web_transaction
def show_interfaces(session: Session) -> ResponseReturnValue:
    """Show the versions in service, the notices, and to regulators who still uses a version and who has read."""
    actor, now = current_actor(), utc_now()
    found = versions(session)
    notices = {each.version: notice_of(session, each.version) for each in found}
    running = next((notice for notice in notices.values() if notice is not None), None)
    users = users_of(session, running.id if running else None, now)
    mine = [line for line in users if actor.scope.covers(line.enterprise_id, None)]
    return render_template(
        "onboarding/interfaces.html",
        versions=found,
        notices=notices,
        running=running,
        history=[notice for each in found for notice in notices_of(session, each.version)],
        users=mine,
        regulators=regulators_read(session, running.id) if running else 0,
        regulators_by_name=regulators_named(session, running.id) if running else [],
        read=bool(running and has_read(session, running.id, actor.name)),
        may_announce=actor.may("interface.announce"),
        first=local(now).date() + timedelta(days=AHEAD_DAYS),
        english=str(get_locale()).startswith("en"),
    )


@blueprint.post("/interfaces/<version>/announce")
@requires("interface.announce")
@web_transaction
def announce(session: Session, version: str) -> ResponseReturnValue:
    """Announce a retirement; fields `retires_on`, `words_zh`, `words_en`, `successor`."""
    try:
        day = date.fromisoformat(request.form.get("retires_on", ""))
    except ValueError as wrong:
        raise Invalid("interface_notice_early") from wrong
    announce_retirement(session, version, _announcement(day), now=utc_now(), actor=current_actor())
    flash(gettext("The retirement is announced: on this page, in every answer's headers and in the receipts"), "ok")
    return redirect(url_for(".show_interfaces"))


@blueprint.post("/interfaces/<version>/take-back")
@requires("interface.announce")
@web_transaction
def take_back(session: Session, version: str) -> ResponseReturnValue:
    """Take an announcement back; fields `words_zh`, `words_en` say why."""
    take_back_retirement(session, version, _announcement(date.max), now=utc_now(), actor=current_actor())
    flash(gettext("The retirement is taken back"), "ok")
    return redirect(url_for(".show_interfaces"))


@blueprint.post("/interfaces/notices/<int:notice_id>/read")
@requires("intake.read")
@web_transaction
def confirm_read(session: Session, notice_id: int) -> ResponseReturnValue:
    """Note that the reader has read a notice."""
    actor = current_actor()
    note_read(session, notice_id, kind="person", reader=actor.name, enterprise_id=actor.enterprise_id, now=utc_now())
    return redirect(url_for(".show_interfaces"))


def _announcement(day: date) -> Announcement:
    texts = {name: request.form.get(name, "").replace("\x00", "") for name in ("words_zh", "words_en")}
    return Announcement(
        day, texts["words_zh"], texts["words_en"], request.form.get("successor", "").strip()[:200] or None
    )
