"""Duty: the roster of a week, who is on now, hand-over, contacts, steps of the escalation, notices with receipts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.accounts.rights import Role
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.paging import neighbours, parse_cursor, parse_number
from portal.core.web import current_actor, requires, settings, web_transaction
from portal.operation.alarms.labels import language, word
from portal.operation.alarms.queries import filter_choices
from portal.operation.escalation.forms import STATES, parse_day, parse_shift, parse_state
from portal.operation.escalation.queries import (
    contacts_of,
    newest_notes,
    notice_counts,
    notices_page,
    on_duty,
    people_for_duty,
    shifts_between,
    step_rows,
)
from portal.operation.escalation.rules import midnight, week_of
from portal.operation.escalation.secrets import sealed_secret
from portal.operation.escalation.services import (
    add_shift,
    cancel_shift,
    deliver_to_screen,
    hand_over,
    mark_seen,
    retry_notice,
    set_contact,
    set_step,
    take_over,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("duty", __name__, url_prefix="/operation/duty")
ON_DUTY_ROLES = (int(Role.CITY_REGULATOR), int(Role.CITY_DISPATCHER), int(Role.DISTRICT_REGULATOR))
COUNTED = timedelta(days=7)


def channel_words() -> dict[str, str]:
    """Return the channels in words."""
    return {"screen": gettext("Screen"), "email": gettext("Mail"), "webhook": gettext("Webhook")}


def state_words() -> dict[str, str]:
    """Return the states of notices in words."""
    return {
        "waiting": gettext("Waiting to be sent"),
        "sent": gettext("Sent"),
        "failed": gettext("Not sent"),
        "off": gettext("Channel not set up"),
        "nobody": gettext("Nobody on duty"),
        "moot": gettext("No longer needed"),
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_duty(session: Session) -> ResponseReturnValue:
    """Show who is on duty now, the week of `day`, hand-over notes, contacts and steps."""
    actor, now = current_actor(), utc_now()
    days = week_of(parse_day(request.args.get("day"), local(now).date()))
    shifts = shifts_between(session, midnight(days[0]), midnight(days[-1]) + timedelta(days=1))
    by_day = {day: [each for each in shifts if local(each.begins_at).date() == day] for day in days}
    _, districts = filter_choices(session)
    return render_template(
        "operation/alarm_duty.html",
        now_on=on_duty(session, now),
        days=days,
        by_day=by_day,
        today=local(now).date(),
        before=(days[0] - timedelta(days=7)).isoformat(),
        after=(days[0] + timedelta(days=7)).isoformat(),
        people=people_for_duty(session, ON_DUTY_ROLES) if actor.may("duty.manage") else [],
        notes=newest_notes(session),
        steps=step_rows(session),
        contacts=contacts_of(session, [actor.id or 0]),
        mail_on=bool(settings().smtp_url),
        hooks_on=bool(settings().notice_hosts),
        posts=words_of("duty_post", language()),
        districts={code: zh if language().startswith("zh") else en for code, zh, en in districts},
        channels=channel_words(),
        word=word,
    )


@blueprint.post("/shifts")
@requires("duty.manage")
@web_transaction
def put_shift(session: Session) -> ResponseReturnValue:
    """Put a shift into the roster; form fields `person`, `post`, `day`, `begins`, `ends`, `district`."""
    asked = parse_shift(request.form)
    known = {each.id for each in people_for_duty(session, ON_DUTY_ROLES)}
    add_shift(session, asked, known=known, now=utc_now(), actor=current_actor())
    flash(gettext("The shift is in the roster."), "success")
    return redirect(url_for(".show_duty", day=local(asked.begins_at).date().isoformat()))


@blueprint.post("/shifts/<int:shift_id>/cancel")
@requires("duty.manage")
@web_transaction
def take_out(session: Session, shift_id: int) -> ResponseReturnValue:
    """Take a shift out of the roster."""
    cancel_shift(session, shift_id, now=utc_now(), actor=current_actor())
    flash(gettext("The shift was taken out."), "success")
    return redirect(url_for(".show_duty"))


@blueprint.post("/notes")
@requires("alarm.acknowledge")
@web_transaction
def write_note(session: Session) -> ResponseReturnValue:
    """Write a hand-over note; form field `note`."""
    hand_over(session, request.form.get("note", "").replace("\x00", ""), now=utc_now(), actor=current_actor())
    flash(gettext("The hand-over note is kept."), "success")
    return redirect(url_for(".show_duty"))


@blueprint.post("/notes/<int:note_id>/take")
@requires("alarm.acknowledge")
@web_transaction
def take_note(session: Session, note_id: int) -> ResponseReturnValue:
    """Sign a hand-over note as read."""
    take_over(session, note_id, now=utc_now(), actor=current_actor())
    flash(gettext("You have taken over."), "success")
    return redirect(url_for(".show_duty"))


@blueprint.post("/contact")
@requires("alarm.acknowledge")
@web_transaction
def put_contact(session: Session) -> ResponseReturnValue:
    """Keep where one is told oneself; form fields `channel`, `address` (empty forgets it), `key` of a webhook."""
    actor, form = current_actor(), request.form
    sealed = sealed_secret(actor.id or 0, form.get("key", ""), settings())
    address = form.get("address", "").replace("\x00", "")
    set_contact(session, actor.id or 0, form.get("channel", ""), address, secret=sealed, actor=actor)
    flash(gettext("The contact is kept."), "success")
    return redirect(url_for(".show_duty"))


@blueprint.post("/steps/<int:step_id>")
@requires("duty.manage")
@web_transaction
def put_step(session: Session, step_id: int) -> ResponseReturnValue:
    """Change a step of the escalation; form fields `after_min`, `post`, `channel` (several)."""
    set_step(
        session,
        step_id,
        after_min=parse_number(request.form.get("after_min")),
        channels=request.form.getlist("channel"),
        post=parse_number(request.form.get("post")),
        actor=current_actor(),
    )
    flash(gettext("The step was changed."), "success")
    return redirect(url_for(".show_duty"))


@blueprint.get("/notices")
@requires("alarm.read")
@web_transaction
def show_notices(session: Session) -> ResponseReturnValue:
    """Show what was told to whom, what was not sent and why; filter `state`."""
    state, scope = parse_state(request.args.get("state")), current_actor().scope
    page = notices_page(session, state=state, cursor=parse_cursor(request.args), scope=scope)
    address = partial(url_for, ".show_notices", state=state)
    return render_template(
        "operation/alarm_notices.html",
        page=page,
        state=state,
        states={name: state_words()[name] for name in STATES},
        counts=notice_counts(session, since=utc_now() - COUNTED, scope=scope),
        channels=channel_words(),
        links=neighbours(page, lambda row: (row.created_at, row.id), address),
    )


@blueprint.post("/notices/<int:notice_id>/retry")
@requires("alarm.acknowledge")
@web_transaction
def retry(session: Session, notice_id: int) -> ResponseReturnValue:
    """Try a notice again at once."""
    retry_notice(session, notice_id, now=utc_now(), actor=current_actor())
    flash(gettext("It will be tried again at once."), "success")
    return redirect(url_for(".show_notices", state="waiting"))


@blueprint.post("/inbox")
@requires("alarm.read")
@web_transaction
def inbox(session: Session) -> ResponseReturnValue:
    """Answer what waits for the caller's own screen; that it came this far is its receipt."""
    found = deliver_to_screen(session, now=utc_now(), actor=current_actor())
    return jsonify(notices=[_shown(each) for each in found])


def _shown(notice: Any) -> dict[str, Any]:
    return {
        "id": notice.id,
        "alarm": notice.alarm_id,
        "step": notice.step,
        "subject": notice.subject,
        "url": url_for(".open_notice", notice_id=notice.id),
    }


@blueprint.get("/notices/<int:notice_id>")
@requires("alarm.read")
@web_transaction
def open_notice(session: Session, notice_id: int) -> ResponseReturnValue:
    """Open one's own notice: it counts as seen, and leads to its alarm."""
    found = mark_seen(session, notice_id, now=utc_now(), actor=current_actor())
    return redirect(url_for("alarms.show_alarm", alarm_id=found.alarm_id))


