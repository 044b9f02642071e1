"""The pages of stations: overview, group, one station with its process picture and equipment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import csv_of
from portal.core.paging import parse_number
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.operation.devices.queries import enterprise_names
from portal.operation.devices.rules import due_state, hours_by_status
from portal.operation.stations.forms import parse_filter, parse_page, parse_way
from portal.operation.stations.overview import Card, cards_of, grouped, sums_of
from portal.operation.stations.pictures import picture_of
from portal.operation.stations.queries import (
    cameras_of,
    count_stations,
    decided_slots,
    equipment_of,
    find_station,
    points_of_stations,
    stations_page,
    steps_of_devices,
)
from portal.operation.stations.services import set_slot
from portal.operation.stations.values import instruments_of, left_over, totals_of
from portal.operation.telemetry.queries import place_of_point

blueprint = Blueprint("stations", __name__, url_prefix="/operation/stations")
FILTERS = ("kind", "enterprise", "district", "q")
CERTIFICATE_WARN_DAYS = 90


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def _kept() -> dict[str, Any]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


def _cards(session: Session, page: int) -> tuple[list[Card], bool]:
    rows, more = stations_page(session, parse_filter(request.args), page=page, scope=current_actor().scope)
    return cards_of(session, rows, utc_now(), language()), more


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_stations(session: Session) -> ResponseReturnValue:
    """Show all stations of the scope as cards, grouped by kind, enterprise or district."""
    way, page, wanted = parse_way(request.args), parse_page(request.args), parse_filter(request.args)
    cards, more = _cards(session, page)
    districts = district_names(session, language())
    return render_template(
        "stations/overview.html",
        groups=grouped(cards, way, districts, language()),
        sums=sums_of(cards),
        total=count_stations(session, wanted, scope=current_actor().scope),
        way=way,
        wanted=wanted,
        kept=_kept(),
        kinds=words_of("station_kind", language()).items(),
        enterprises=enterprise_names(session),
        districts=districts,
        prev=url_for(".show_stations", by=way, page=page - 1, **_kept()) if page else None,
        next=url_for(".show_stations", by=way, page=page + 1, **_kept()) if more else None,
    )


@blueprint.get("/group")
@requires("alarm.read")
@web_transaction
def show_group(session: Session) -> ResponseReturnValue:
    """Show the stations of one group side by side: each instrument a column where they are of one kind."""
    way, page, wanted = parse_way(request.args), parse_page(request.args), parse_filter(request.args)
    cards, more = _cards(session, page)
    kinds = {card.kind for card in cards}
    groups = grouped(cards, way, district_names(session, language()), language())
    return render_template(
        "stations/group.html",
        title=groups[0]["title"] if len(groups) == 1 else gettext("Stations"),
        columns=picture_of(next(iter(kinds))).slots if len(kinds) == 1 else None,
        cards=cards,
        sums=sums_of(cards),
        way=way,
        wanted=wanted,
        kept=_kept(),
        language=language(),
        prev=url_for(".show_group", by=way, page=page - 1, **_kept()) if page else None,
        next=url_for(".show_group", by=way, page=page + 1, **_kept()) if more else None,
    )


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the newest values of the stations of a filter as CSV, an instrument a row; the export is audited."""
    head = [
        gettext("Station"), gettext("Kind"), gettext("Enterprise"), gettext("Instrument"), gettext("Point"),
        gettext("Value"), gettext("Unit"), gettext("State of the data"), gettext("Source time"), gettext("Alarm"),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    page, more = 0, True
    while more:
        cards, more = _cards(session, page)
        page += 1
        rows += [
            [
                card.name, card.kind_word, card.enterprise, each["label"], each.get("code", ""), each.get("value"),
                each.get("unit", ""), each["word"] or gettext("good"), each.get("at") or "", each.get("alarm_word", ""),
            ]
            for card in cards
            for each in card.instruments.values()
        ]  # fmt: skip
    note_export(session, "station_values", len(rows))
    return csv_of(head, rows, f"stations-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/<int:station_id>")
@requires("alarm.read")
@web_transaction
def show_station(session: Session, station_id: int) -> ResponseReturnValue:
    """Show one station: process picture with living values, other points, alarms, equipment, cameras."""
    actor, now = current_actor(), utc_now()
    station = find_station(session, actor.scope, station_id)
    rows = points_of_stations(session, [station_id])[station_id]
    picture = picture_of(station.kind)
    decided = decided_slots(session, [station_id]).get(station_id, {})
    instruments = instruments_of(picture, rows, decided, now, language())
    trend = [str(each["point"]) for each in instruments.values() if each["point"] is not None]
    return render_template(
        "stations/station.html",
        station=station,
        title=station.name or station.src_code,
        kind_word=word_of("station_kind", station.kind, language()),
        picture=picture,
        language=language(),
        instruments=instruments,
        totals=totals_of(rows, now),
        others=left_over(instruments, rows, now, language()),
        facts=_facts(session, station),
        equipment=_equipment(session, station_id),
        cameras=cameras_of(session, station_id),
        trend_address=f"/operation/trends?p={','.join(trend[:16])}" if trend else None,
        place=place_of_point(session, actor.scope, rows[0].id) if rows else None,
        points=rows,
        decided=decided,
        may_set=actor.may("station.configure"),
        at=now,
    )


@blueprint.get("/<int:station_id>/values")
@requires("alarm.read")
@web_transaction
def get_values(session: Session, station_id: int) -> ResponseReturnValue:
    """Return what the instruments of a station show now, as JSON; asked for when news of intake or alarms comes."""
    now = utc_now()
    station = find_station(session, current_actor().scope, station_id)
    rows = points_of_stations(session, [station_id])[station_id]
    decided = decided_slots(session, [station_id]).get(station_id, {})
    instruments = instruments_of(picture_of(station.kind), rows, decided, now, language())
    others = left_over(instruments, rows, now, language())
    totals = totals_of(rows, now)
    found = {
        "at": now.isoformat(), "slots": instruments, "others": others, "level": totals.level, "alarms": totals.alarms,
        "stale": totals.stale, "bad": totals.bad,
    }  # fmt: skip
    return Response(orjson.dumps(found), content_type="application/json")


@blueprint.get("/<int:station_id>/equipment.csv")
@requires("alarm.read")
@web_transaction
def export_equipment(session: Session, station_id: int) -> ResponseReturnValue:
    """Give the equipment of a station as CSV; the export is audited."""
    find_station(session, current_actor().scope, station_id)
    head = [
        gettext("Device code"), gettext("Name"), gettext("Kind"), gettext("Life cycle"), gettext("Live state"),
        gettext("Maker and model"), gettext("Running time"), gettext("Operations"), gettext("Accident operations"),
        gettext("Certificate"), gettext("Holds until"),
    ]  # fmt: skip
    rows = [
        [
            each["code"], each["name"], each["kind"], each["life"], each["state"], each["maker"], round(each["run_h"], 1),
            each["operations"], each["accidents"], each["certificate"], each["expires_on"],
        ]
        for each in _equipment(session, station_id)
    ]  # fmt: skip
    note_export(session, "station_equipment", len(rows))
    return csv_of(head, rows, f"equipment-{station_id}.csv")


@blueprint.post("/<int:station_id>/slots")
@requires("station.configure")
@web_transaction
def change_slot(session: Session, station_id: int) -> ResponseReturnValue:
    """Decide which point fills an instrument; form fields slot, point (empty: none)."""
    set_slot(
        session, station_id, request.form.get("slot", ""), parse_number(request.form.get("point")), actor=current_actor()
    )  # fmt: skip
    flash(gettext("The instrument is set."), "success")
    return redirect(url_for(".show_station", station_id=station_id) + "#instruments")


def _facts(session: Session, station: Any) -> list[tuple[str, Any]]:
    names, districts = enterprise_names(session), district_names(session, language())

    def told(value: float | None, unit: str) -> str | None:
        return None if value is None else f"{value:g} {unit}"

    rows: list[tuple[str, Any]] = [
        (gettext("Object code"), station.src_code),
        (gettext("Enterprise"), names.get(station.enterprise_id)),
        (gettext("District"), districts.get(station.adcode or "", station.adcode)),
        (gettext("Address"), station.address),
        (gettext("Design flow"), told(station.design_m3_per_h, "m³/h")),
        (gettext("Inlet pressure"), told(station.p_in_mpa, "MPa")),
        (gettext("Outlet pressure"), told(station.p_out_mpa, "MPa")),
        (gettext("Tank volume"), told(station.storage_m3, "m³")),
        (gettext("Staffing"), gettext("Attended") if station.attended else gettext("Unattended")),
        (gettext("Life cycle"), word_of("life_status", station.status, language())),
    ]
    return [(term, value) for term, value in rows if value not in (None, "")]


def _equipment(session: Session, station_id: int) -> list[dict[str, Any]]:
    """Return the rows of the equipment table: hours as they follow from the steps of each device's life."""
    devices, now = equipment_of(session, station_id), utc_now()
    steps = steps_of_devices(session, [row.id for row in devices])
    return [_device_shown(row, steps.get(row.id, []), now) for row in devices]


def _device_shown(row: Any, steps: Sequence[Any], now: Any) -> dict[str, Any]:
    today = local(now).date()
    return {
        "id": row.id, "code": row.src_code, "name": row.name or "", "kind": word_of("device_kind", row.kind, language()),
        "life": word_of("life_status", row.status, language()), "state": word_of("sensor_state", row.state, language()),
        "state_code": row.state, "maker": " ".join(filter(None, (row.maker, row.model))),
        "run_h": hours_by_status(steps, now)["run_h"], "said_h": row.run_h,
        "operations": int(row.operations) - int(row.accidents), "accidents": int(row.accidents),
        "certificate": row.number or "", "certificates": row.certificates, "expires_on": row.expires_on,
        "due": due_state(row.expires_on, today, CERTIFICATE_WARN_DAYS),
    }  # fmt: skip
