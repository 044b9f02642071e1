"""The outage pages: what is silent and since when, the tree, one outage, the share of time without data."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import CsvFile
from portal.core.paging import neighbours, parse_cursor, parse_number, parse_words
from portal.core.web import current_actor, requires, web_transaction
from portal.operation.outages.labels import outage_facts, outcome_words, span_words, tree_of
from portal.operation.outages.queries import (
    OutageFilter,
    children_of,
    find_outage,
    members_of,
    open_summary,
    open_tree,
    outages_listed,
    outages_page,
    place_of,
    time_without_data,
    users_behind,
)

blueprint = Blueprint("outages", __name__, url_prefix="/operation/outages")
KEPT = ("view", "level", "enterprise", "q")
SHARE_DAYS = 30


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def _wanted() -> OutageFilter:
    view = request.args.get("view", "open")
    return OutageFilter(
        view=view if view in ("open", "all", "gaps") else "open",
        level=parse_number(request.args.get("level")),
        enterprise_id=parse_number(request.args.get("enterprise")),
        words=parse_words(request.args.get("q")),
    )


def _shown(row: Any, now: datetime) -> dict[str, Any]:
    return {
        "of": row,
        "level": word_of("outage_level", row.level, language()),
        "lasted": span_words((row.ended_at or now) - row.began_at),
        "open": row.ended_at is None,
        "outcome": outcome_words().get(row.outcome or "", ""),
        "url": url_for(".show_outage", outage_id=row.id),
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_outages(session: Session) -> ResponseReturnValue:
    """Show the outages of the caller's scope, newest first, with the tree of those that are open."""
    scope, now, wanted = current_actor().scope, utc_now(), _wanted()
    page = outages_page(session, wanted, cursor=parse_cursor(request.args), scope=scope)
    kept = {name: request.args[name] for name in KEPT if request.args.get(name)}
    begin = now - timedelta(days=SHARE_DAYS)
    return render_template(
        "operation/outages.html",
        rows=[_shown(row, now) for row in page.rows],
        wanted=wanted,
        summary=open_summary(session, scope=scope),
        levels=words_of("outage_level", language()),
        tree=tree_of(open_tree(session, scope=scope), language()) if wanted.view == "open" else [],
        shares=time_without_data(session, scope, begin, now),
        share_days=SHARE_DAYS,
        links=neighbours(page, lambda row: (row.began_at, row.id), partial(url_for, ".show_outages", **kept)),
        export_url=url_for(".export", **kept),
        narrowed=any(request.args.get(name) for name in KEPT[1:]),
    )


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered outages as CSV for spreadsheets; the export is audited."""
    actor = current_actor()
    made = CsvFile(
        [
            gettext("Number"), gettext("Level of the fault"), gettext("Enterprise"), gettext("Silent part"), gettext("Points"),
            gettext("Silent since"), gettext("Noticed at"), gettext("Ended at"), gettext("What became of it"),
            gettext("Readings due"), gettext("Filled in later"), gettext("Alarm"),
        ]
    )  # fmt: skip
    for row in outages_listed(session, _wanted(), scope=actor.scope):
        times = [local(at).strftime("%Y-%m-%d %H:%M:%S") if at else "" for at in (row.began_at, row.noticed_at, row.ended_at)]
        level, outcome = word_of("outage_level", row.level, language()), outcome_words().get(row.outcome or "", "")
        cells = [row.id, level, row.enterprise, row.subject, row.points, *times, outcome, row.lost, row.filled, row.alarm_id]
        made.add(cells)
    record(session, actor, "outage.export", object_type="outage", after={"rows": made.rows})
    return made.answer(f"outages-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/<int:outage_id>")
@requires("alarm.read")
@web_transaction
def show_outage(session: Session, outage_id: int) -> ResponseReturnValue:
    """Show one outage: where it lies, the points and users behind it, what was lost and filled in."""
    scope, now = current_actor().scope, utc_now()
    row = find_outage(session, outage_id, scope=scope)
    users, households = users_behind(session, row)
    return render_template(
        "operation/outage.html",
        outage=row,
        shown=_shown(row, now),
        facts=outage_facts(row, users, households),
        members=members_of(session, row),
        children=[_shown(each, now) for each in children_of(session, outage_id, scope=scope)],
        place=place_of(session, row),
        measures=words_of("measure", language()),
        now=now,
    )
