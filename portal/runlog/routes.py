"""The page of the running log and its file."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from portal.core.clock import CITY_ZONE, local, utc_now
from portal.core.codes import word_of
from portal.core.exports import CsvFile
from portal.core.paging import neighbours, parse_cursor, parse_number, parse_words
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.events.routes import step_words
from portal.operation.alarms.labels import action_words
from portal.operation.alarms.queries import filter_choices
from portal.runlog.queries import LogFilter, log_listed, log_page

blueprint = Blueprint("runlog", __name__, url_prefix="/operation/log")
KEPT = ("source", "enterprise", "from", "to", "person", "q")
MAY = {"alarm": "alarm.read", "case": "case.read", "device": "alarm.read", "incident": "emergency.read"}
STATES = {"alarm": "alarm_state", "case": "case_state", "device": "life_status", "incident": "event_status"}
PAGES = {
    "alarm": "/operation/alarms/{}", "case": "/events/cases/{}", "device": "/operation/devices/{}",
    "incident": "/emergency/incidents/{}",
}  # fmt: skip
FIRST_YEAR, LAST_YEAR = 2000, 2200


def source_words() -> dict[str, str]:
    """Return the ledgers the caller may read, in words."""
    words = {
        "alarm": gettext("Alarm"),
        "case": gettext("Case"),
        "device": gettext("Device"),
        "incident": gettext("Incident"),
    }
    actor = current_actor()
    return {source: word for source, word in words.items() if actor.may(MAY[source])}


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if FIRST_YEAR < found.year < LAST_YEAR else None


def _wanted() -> LogFilter:
    first, last = _day("from"), _day("to")
    return LogFilter(
        source=request.args.get("source", "") if request.args.get("source") in MAY else "",
        enterprise_id=parse_number(request.args.get("enterprise")),
        since=datetime.combine(first, time(), CITY_ZONE) if first else None,
        until=datetime.combine(last + timedelta(days=1), time(), CITY_ZONE) if last else None,
        person=parse_words(request.args.get("person")),
        words=parse_words(request.args.get("q")),
    )


def _shown(row: Any) -> dict[str, Any]:
    """Return a row in words: what happened to what, and where it is told in full."""
    language = str(get_locale() or "zh_CN")
    done = {
        "alarm": action_words(),
        "case": step_words(),
        "device": {"step": gettext("State changed")},
        "incident": {"occur": gettext("Occurred")},
    }[row.source]
    kind = f"{word_of('alarm_kind', row.kind, language)} · " if row.kind is not None else ""
    return {
        "of": row,
        "what": done.get(row.action, row.action),
        "subject": f"{kind}{row.subject or ''}".strip(" ·"),
        "state": word_of(STATES[row.source], row.state, language) if row.state is not None else "",
        "url": PAGES[row.source].format(row.ref_id),
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_log(session: Session) -> ResponseReturnValue:
    """Show what happened in the caller's area, newest first."""
    wanted, sources = _wanted(), source_words()
    page = log_page(session, wanted, tuple(sources), cursor=parse_cursor(request.args), scope=current_actor().scope)
    kept = {name: request.args[name] for name in KEPT if request.args.get(name)}
    return render_template(
        "runlog/log.html",
        rows=[_shown(row) for row in page.rows],
        wanted=wanted,
        given=kept,
        sources=sources,
        enterprises=filter_choices(session)[0],
        links=neighbours(page, lambda row: (row.at, row.number), partial(url_for, ".show_log", **kept)),
        export_url=url_for(".export", **kept),
    )


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered log as CSV, up to 100,000 rows; the export is audited."""
    heads = (
        gettext("Time"), gettext("Kind"), gettext("What happened"), gettext("Object"), gettext("State"),
        gettext("Enterprise"), gettext("Person"), gettext("Note"),
    )  # fmt: skip
    sources, made = source_words(), CsvFile(heads)
    for row in log_listed(session, _wanted(), tuple(sources), scope=current_actor().scope):
        shown, at = _shown(row), local(row.at).strftime("%Y-%m-%d %H:%M:%S")
        made.add(
            [at, sources[row.source], shown["what"], shown["subject"], shown["state"], row.enterprise, row.who, row.note]
        )
    note_export(session, "running_log", made.rows)
    return made.answer(f"log-{local(utc_now()):%Y%m%d-%H%M}.csv")
