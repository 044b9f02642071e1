"""The meter pages: list, export, one meter with its readings."""

from __future__ import annotations

from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import CsvFile
from portal.core.paging import parse_number, parse_words
from portal.core.web import current_actor, requires, web_transaction
from portal.operation.devices.finding import parse_place
from portal.operation.devices.forms import adcode_of
from portal.operation.devices.queries import enterprise_names
from portal.operation.devices.rules import due_state
from portal.operation.meters.models import GasMeter
from portal.operation.meters.queries import (
    COUNT_MOST,
    WARN,
    MeterFilter,
    find_meter,
    latest_counters,
    meter_counts,
    meters_listed,
    meters_page,
    place_of,
    readings_back,
    user_of_meter,
)
from portal.operation.meters.rules import Counted, used_m3

blueprint = Blueprint("meters", __name__, url_prefix="/operation/meters")
FILTERS = ("kind", "enterprise", "district", "valve", "due", "q")


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def _wanted() -> MeterFilter:
    given, due = request.args, request.args.get("due", "")
    return MeterFilter(
        kind=_code(given.get("kind")),
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=adcode_of(given.get("district")),
        valve_state=_code(given.get("valve")),
        due=due if due in ("overdue", "soon") else "",
        words=parse_words(given.get("q")),
    )


def _code(value: str | None) -> int | None:
    number = parse_number(value)
    return number if number is not None and number < 2**15 else None


def _row(row: Any, latest: dict[int, Any], names: dict[int, str], today: date) -> dict[str, Any]:
    newest = latest.get(row.id)
    return {
        "of": row,
        "kind": word_of("meter_kind", row.kind, language()),
        "enterprise": names.get(row.enterprise_id, ""),
        "valve": word_of("valve_state", row.valve_state, language()),
        "due": due_state(row.expires_on, today, WARN.days),
        "value": f"{newest.value:,.2f}" if newest else None,
        "at": newest.ts if newest else None,
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_meters(session: Session) -> ResponseReturnValue:
    """Show the meters of the caller's scope, narrowed by filters or found by the beginning of a code."""
    scope, wanted, today = current_actor().scope, _wanted(), local(utc_now()).date()
    page = meters_page(session, wanted, place=parse_place(request.args), scope=scope, today=today)
    names, latest = enterprise_names(session), latest_counters(session, [row.id for row in page.rows])
    kept = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    address = partial(url_for, ".show_meters", **kept)
    return render_template(
        "operation/meters.html",
        rows=[_row(row, latest, names, today) for row in page.rows],
        wanted=wanted,
        counts=meter_counts(session, scope, today),
        count_most=COUNT_MOST,
        kinds=words_of("meter_kind", language()),
        valves=words_of("valve_state", language()),
        enterprises=names,
        districts=district_names(session, language()),
        narrowed=bool(kept),
        links={
            "prev": address(before=place_of(wanted, page.rows[0])) if page.rows and page.has_before else None,
            "next": address(after=place_of(wanted, page.rows[-1])) if page.rows and page.has_after else None,
        },
        export_url=url_for(".export", **kept),
    )


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered meters as CSV for spreadsheets; the export is audited."""
    actor, today, names = current_actor(), local(utc_now()).date(), enterprise_names(session)
    made = CsvFile(
        [
            gettext("Meter code"), gettext("User number"), gettext("Kind"), gettext("Enterprise"), gettext("Largest flow"),
            gettext("Maker"), gettext("Serial number"), gettext("Installed on"), gettext("To be replaced by"),
            gettext("Built-in valve"),
        ]
    )  # fmt: skip
    for row in meters_listed(session, _wanted(), scope=actor.scope, today=today):
        cells = [
            row.src_code, row.user_no, word_of("meter_kind", row.kind, language()), names.get(row.enterprise_id, ""),
            row.qmax_m3_per_h, row.maker, row.serial, row.installed_on, row.expires_on,
            word_of("valve_state", row.valve_state, language()),
        ]  # fmt: skip
        made.add(cells)
    record(session, actor, "meter.export", object_type="gas_meter", after={"rows": made.rows})
    return made.answer(f"meters-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/<int:meter_id>")
@requires("alarm.read")
@web_transaction
def show_meter(session: Session, meter_id: int) -> ResponseReturnValue:
    """Show one meter: what it is, whose, and its newest readings with the gas between them."""
    meter, today = find_meter(session, meter_id, scope=current_actor().scope), local(utc_now()).date()
    readings = readings_back(session, meter_id)
    user = user_of_meter(session, meter.enterprise_id, meter.user_no)
    return render_template(
        "operation/meter.html",
        meter=meter,
        due=due_state(meter.expires_on, today, WARN.days),
        facts=_facts(meter, enterprise_names(session).get(meter.enterprise_id, ""), user),
        user=user,
        readings=_used(readings, meter.digits),
        flags=words_of("reading_flag", language()),
    )


def _used(readings: Any, digits: int) -> list[dict[str, Any]]:
    """Return each reading with the gas since the one before, m³; None at the first and where the counter fell."""
    rows = []
    for row, before in pairwise([*readings, None]):
        used = None
        if before is not None:
            hours = (row.ts - before.ts).total_seconds() / 3600
            used = used_m3(Counted(before.value, row.value, digits, hours))
        rows.append({"of": row, "used": used, "fell": before is not None and used is None})
    return rows


def _facts(meter: GasMeter, enterprise: str, user: Any) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [
        (gettext("Meter code"), meter.src_code),
        (gettext("Kind"), word_of("meter_kind", meter.kind, language())),
        (gettext("Enterprise"), enterprise),
        (gettext("User number"), meter.user_no),
        (gettext("User class"), word_of("user_class", user.user_class, language()) if user else None),
        (gettext("Address"), user.address if user else None),
        (gettext("Life cycle"), word_of("life_status", meter.status, language())),
        (gettext("Largest flow"), None if meter.qmax_m3_per_h is None else f"{meter.qmax_m3_per_h:g} m³/h"),
        (gettext("Digits of the counter"), meter.digits),
        (gettext("Communication"), word_of("comm_kind", meter.comm, language())),
        (gettext("Maker"), meter.maker),
        (gettext("Model"), meter.model),
        (gettext("Serial number"), meter.serial),
        (gettext("Installed on"), meter.installed_on),
        (gettext("To be replaced by"), meter.expires_on),
        (gettext("Built-in valve"), word_of("valve_state", meter.valve_state, language())),
    ]
    return [(term, value) for term, value in rows if value not in (None, "")]
