"""The work of the desk: holds, resets, handling records, closing, kept views, and how well it can be worked."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.core.clock import utc_now
from portal.core.codes import words_of
from portal.core.paging import neighbours, parse_cursor
from portal.core.web import current_actor, requires, web_transaction
from portal.operation.alarms.forms import parse_ids
from portal.operation.alarms.labels import STATE_TONES, language, outcome_words, word
from portal.operation.alarms.routes import KEPT_KEYS, answered, done
from portal.operation.desk.figures import performance
from portal.operation.desk.forms import SPANS, parse_days, parse_handling, parse_hold, parse_query
from portal.operation.desk.pictures import mix_picture, rate_picture
from portal.operation.desk.queries import figures_in_force, find_attachment, find_hold, holds_page
from portal.operation.desk.services import (
    attach,
    close_alarm,
    drop_view,
    hold_alarm,
    keep_view,
    release_hold,
    reset_alarm,
    shelve_alarms,
    write_record,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("desk", __name__, url_prefix="/operation/alarms")


@blueprint.post("/<int:alarm_id>/hold")
@requires("alarm.acknowledge")
@web_transaction
def hold(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Shelve, lock or set to maintenance; form fields `hold`, `hours`, `reason`, `permit_no`, `cover`."""
    hold_alarm(session, alarm_id, parse_hold(request.form), now=utc_now(), actor=current_actor())
    return done(gettext("The alarm is held back; it comes back by itself."), alarm_id)


@blueprint.post("/shelve")
@requires("alarm.acknowledge")
@web_transaction
def shelve_many(session: Session) -> ResponseReturnValue:
    """Shelve several alarms; form fields `id`, `hold`, `hours`, `reason`; says which were not, and why."""
    ids = parse_ids(request.form.getlist("id"))
    return answered(shelve_alarms(session, ids, parse_hold(request.form), now=utc_now(), actor=current_actor()))


@blueprint.get("/holds")
@requires("alarm.read")
@web_transaction
def show_holds(session: Session) -> ResponseReturnValue:
    """Show what is held back now, or ever was: who, why, until when."""
    running = request.args.get("view") != "all"
    page = holds_page(session, running=running, cursor=parse_cursor(request.args), scope=current_actor().scope)
    view = "running" if running else "all"
    return render_template(
        "operation/alarm_holds.html",
        page=page,
        view=view,
        word=word,
        outcomes=outcome_words(),
        links=neighbours(page, lambda row: (row.begun_at, row.id), lambda **at: url_for(".show_holds", view=view, **at)),
    )


@blueprint.post("/holds/<int:hold_id>/release")
@requires("alarm.acknowledge")
@web_transaction
def release(session: Session, hold_id: int) -> ResponseReturnValue:
    """End a hold by hand; form field `reason`."""
    found = find_hold(session, hold_id, scope=current_actor().scope)
    back = release_hold(session, hold_id, said=request.form.get("reason", ""), now=utc_now(), actor=current_actor())
    sentence = gettext("The hold has ended; alarms back on the desk: %(count)s", count=back)
    if request.form.get("to") == "holds":
        flash(sentence, "success")
        return redirect(url_for(".show_holds"))
    return done(sentence, found.alarm_id or 0)


@blueprint.post("/<int:alarm_id>/reset")
@requires("alarm.acknowledge")
@web_transaction
def reset(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Take the latch off; form field `note`."""
    reset_alarm(session, alarm_id, note=request.form.get("note", ""), now=utc_now(), actor=current_actor())
    return done(gettext("The latch was reset."), alarm_id)


@blueprint.post("/<int:alarm_id>/record")
@requires("alarm.judge")
@web_transaction
def add_record(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Write a handling record; form fields `receiver`, `cause`, `measures`, `result`, files `file`."""
    actor = current_actor()
    write_record(session, alarm_id, parse_handling(request.form), now=utc_now(), actor=actor)
    for file in request.files.getlist("file"):
        if file.filename:
            attach(session, alarm_id, file.filename, file.stream.read(), actor=actor)
    return done(gettext("Handling recorded."), alarm_id)


@blueprint.post("/<int:alarm_id>/close")
@requires("alarm.judge")
@web_transaction
def close(session: Session, alarm_id: int) -> ResponseReturnValue:
    """Close an alarm that is over, seen, judged and recorded."""
    close_alarm(session, alarm_id, now=utc_now(), actor=current_actor())
    return done(gettext("The alarm is closed."), alarm_id)


@blueprint.get("/attachments/<int:attachment_id>")
@requires("alarm.read")
@web_transaction
def show_attachment(session: Session, attachment_id: int) -> ResponseReturnValue:
    """Give an attachment as a download."""
    found = find_attachment(session, attachment_id, scope=current_actor().scope)
    return send_file(
        io.BytesIO(found.content), mimetype=found.media_type, as_attachment=True, download_name=found.name, max_age=0
    )


@blueprint.post("/views")
@requires("alarm.read")
@web_transaction
def add_view(session: Session) -> ResponseReturnValue:
    """Keep the filter in `query` under `name`."""
    query = parse_query(request.form.get("query"), KEPT_KEYS)
    keep_view(session, request.form.get("name", "").replace("\x00", ""), query, actor=current_actor())
    flash(gettext("The view is kept."), "success")
    return redirect(url_for("alarms.show_alarms") + (f"?{query}" if query else ""))


@blueprint.post("/views/<int:view_id>/drop")
@requires("alarm.read")
@web_transaction
def remove_view(session: Session, view_id: int) -> ResponseReturnValue:
    """Forget one of one's own views."""
    drop_view(session, view_id, actor=current_actor())
    return redirect(url_for("alarms.show_alarms"))


@blueprint.get("/performance")
@requires("alarm.read")
@web_transaction
def show_performance(session: Session) -> ResponseReturnValue:
    """Show rates against the bands of EEMUA-191, floods, priorities, chattering, stale alarms and bad actors."""
    now, days, figures = utc_now(), parse_days(request.args.get("days")), figures_in_force(session)
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    found = performance(
        session, end - timedelta(days=days), end, figures=figures, scope=current_actor().scope, now=now
    )
    return render_template(
        "operation/alarm_performance.html",
        found=found,
        figures=figures,
        days=days,
        spans=SPANS,
        rates=rate_picture(found.hours, figures),
        mix=mix_picture(found.mix, figures),
        levels=words_of("alarm_level", language()),
        word=word,
        tones=STATE_TONES,
    )
