"""Reads of stations: overview, points with their newest values, equipment, cameras; always within a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gis.network.models import Station
from gis.network.queries import find_object
from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import contains
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.jobs.queries import parameter_value
from portal.operation.devices.models import DeviceStep
from portal.operation.stations.models import StationCamera, StationSlot

FOLDER = str(Path(__file__).parent)
PAGE_ROWS, EQUIPMENT_MOST, CAMERAS_MOST = 120, 400, 400
REMOVED, BIGGEST_ID = 7, 2**63 - 1
REACH_M = 60.0
LEAST_M_PER_DEG = 60_000.0  # a degree of longitude at 57° north, beyond every city of the country


@dataclass(frozen=True)
class StationFilter:
    """What the overview is narrowed to."""

    kind: int | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    words: str = ""


def _narrowed(wanted: StationFilter, scope: Scope) -> list[ColumnElement[bool]]:
    parts = [in_scope(scope, Station.enterprise_id, Station.adcode), Station.status != REMOVED]
    if wanted.kind is not None:
        parts.append(Station.kind == wanted.kind)
    if wanted.enterprise_id is not None:
        parts.append(Station.enterprise_id == wanted.enterprise_id)
    if wanted.adcode:
        parts.append(Station.adcode == wanted.adcode)
    if wanted.words:
        parts.append(contains(wanted.words, Station.name, Station.src_code))
    return parts


def stations_page(session: Session, wanted: StationFilter, *, page: int, scope: Scope) -> tuple[Sequence[Any], bool]:
    """Return one page of stations by kind, enterprise and name, and whether more follow."""
    found = session.execute(
        select(
            Station.id, Station.src_code, Station.name, Station.kind, Station.adcode, Station.enterprise_id,
            Station.attended, Station.status, Enterprise.short_name.label("enterprise"),
        )
        .join(Enterprise, Enterprise.id == Station.enterprise_id)
        .where(*_narrowed(wanted, scope))
        .order_by(Station.kind, Enterprise.short_name, Station.name, Station.id)
        .offset(page * PAGE_ROWS)
        .limit(PAGE_ROWS + 1)
    ).all()  # fmt: skip
    return found[:PAGE_ROWS], len(found) > PAGE_ROWS


def count_stations(session: Session, wanted: StationFilter, *, scope: Scope) -> int:
    """Return how many stations a filter leaves."""
    return int(session.scalar(select(func.count()).select_from(Station).where(*_narrowed(wanted, scope))) or 0)


def find_station(session: Session, scope: Scope, station_id: int) -> Station:
    """Return one station; raise NotFound outside the scope."""
    found: Station = find_object(session, scope, "station", station_id)
    return found


def points_of_stations(session: Session, ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the points of stations with newest reading and worst open alarm; the caller looked the stations up."""
    found: dict[int, list[Any]] = {number: [] for number in ids}
    for row in session.execute(load_sql(FOLDER, "station_points"), {"stations": list(ids)} | _reach(session)):
        found[row.station_id].append(row)
    return found


def _reach(session: Session) -> dict[str, float]:
    """Return how far from a station's place its own regulating devices stand, m, and degrees that are never less."""
    reach_m = parameter_value(session, "stations.reach_m", REACH_M)
    return {"reach_m": reach_m, "reach_deg": reach_m / LEAST_M_PER_DEG}


def decided_slots(session: Session, ids: Sequence[int]) -> dict[int, dict[str, int | None]]:
    """Return station -> slot -> point where a person decided it."""
    found: dict[int, dict[str, int | None]] = {}
    for row in session.scalars(select(StationSlot).where(StationSlot.station_id.in_(ids))):
        found.setdefault(row.station_id, {})[row.slot] = row.point_id
    return found


def equipment_of(session: Session, station_id: int) -> Sequence[Any]:
    """Return the devices of a station that the caller has looked up, with operations and certificates."""
    facts = {"station": station_id, "most": EQUIPMENT_MOST} | _reach(session)
    return session.execute(load_sql(FOLDER, "equipment"), facts).all()


def steps_of_devices(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[datetime, int]]]:
    """Return device -> instant and status of the steps of its life, in order."""
    rows = session.execute(
        select(DeviceStep.device_id, DeviceStep.at, DeviceStep.to_status)
        .where(DeviceStep.device_id.in_(ids))
        .order_by(DeviceStep.device_id, DeviceStep.at, DeviceStep.id)
    )
    found: dict[int, list[tuple[datetime, int]]] = {}
    for number, at, status in rows:
        found.setdefault(number, []).append((at, status))
    return found


def cameras_of(session: Session, station_id: int) -> Sequence[StationCamera]:
    """Return the cameras of a station that the caller has looked up, those in use first."""
    wanted = select(StationCamera).where(StationCamera.station_id == station_id)
    return session.scalars(
        wanted.order_by(StationCamera.in_use.desc(), StationCamera.ordinal, StationCamera.id).limit(CAMERAS_MOST)
    ).all()


def cameras_listed(session: Session, scope: Scope, *, station_id: int | None = None) -> Sequence[Any]:
    """Return the cameras in use with their station and enterprise, by station."""
    wanted = (
        select(StationCamera, Station.name.label("station"), Enterprise.short_name.label("enterprise"))
        .join(Station, Station.id == StationCamera.station_id)
        .join(Enterprise, Enterprise.id == StationCamera.enterprise_id)
        .where(StationCamera.in_use, in_scope(scope, StationCamera.enterprise_id, StationCamera.adcode))
    )
    if station_id is not None:
        wanted = wanted.where(StationCamera.station_id == station_id)
    order = (Station.kind, Station.name, StationCamera.station_id, StationCamera.ordinal, StationCamera.id)
    return session.execute(wanted.order_by(*order).limit(CAMERAS_MOST)).all()


def find_camera(session: Session, scope: Scope, camera_id: int) -> StationCamera:
    """Return one camera, locked to the end of the transaction; raise NotFound outside the scope."""
    found = None
    if 0 < camera_id <= BIGGEST_ID:
        found = session.scalar(
            select(StationCamera)
            .where(
                StationCamera.id == camera_id, in_scope(scope, StationCamera.enterprise_id, StationCamera.adcode)
            )
            .with_for_update()
        )  # fmt: skip
    if found is None:
        raise NotFound("station_camera", camera_id=camera_id)
    return found
