"""Changes to stations: which point fills an instrument, cameras and their addresses; each audited."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.network.models import Station
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid
from portal.operation.stations.models import StationCamera, StationSlot
from portal.operation.stations.pictures import picture_of
from portal.operation.stations.queries import find_camera, find_station, points_of_stations

CHANGED = ("name", "place", "kind", "address", "ordinal", "in_use")


@dataclass(frozen=True)
class NewCamera:
    """What is entered about a camera."""

    code: str
    name: str
    kind: str
    address: str
    place: str | None = None
    ordinal: int = 0


def set_slot(session: Session, station_id: int, slot: str, point_id: int | None, *, actor: Actor) -> StationSlot:
    """Decide which point fills an instrument, None for none; raise Invalid for a slot or point that is not the station's."""
    station = find_station(session, actor.scope, station_id)
    if slot not in {each.key for each in picture_of(station.kind).slots}:
        raise Invalid("unknown_slot", slot=slot)
    if point_id is not None and point_id not in {row.id for row in points_of_stations(session, [station_id])[station_id]}:
        raise Invalid("foreign_slot_point", point_id=point_id)
    wanted = select(StationSlot).where(StationSlot.station_id == station_id, StationSlot.slot == slot).with_for_update()
    found = session.scalar(wanted)
    before = {"point_id": found.point_id} if found else None
    if found is None:
        found = StationSlot(
            enterprise_id=station.enterprise_id, adcode=station.adcode, station_id=station_id, slot=slot,
            point_id=point_id, set_by=actor.shown_name,
        )  # fmt: skip
        session.add(found)
    else:
        found.point_id, found.set_by = point_id, actor.shown_name
    session.flush()
    _note(session, actor, "station_slot.set", station, before, {"slot": slot, "point_id": point_id})
    return found


def add_camera(session: Session, station_id: int, new: NewCamera, *, actor: Actor) -> StationCamera:
    """Enter a camera of a station; raise Conflict for a device number the enterprise has already."""
    station = find_station(session, actor.scope, station_id)
    known = select(StationCamera.id).where(
        StationCamera.enterprise_id == station.enterprise_id, StationCamera.code == new.code
    )
    if session.scalar(known) is not None:
        raise Conflict("camera_known", number=new.code)
    made = StationCamera(
        enterprise_id=station.enterprise_id, adcode=station.adcode, station_id=station_id, set_by=actor.shown_name,
        **asdict(new),
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, actor, "station_camera.add", station, None, asdict(new))
    return made


def use_camera(session: Session, camera_id: int, in_use: bool, *, actor: Actor) -> StationCamera:
    """Take a camera down from the wall or put it back; its row and history stay."""
    camera = find_camera(session, actor.scope, camera_id)
    before = {name: getattr(camera, name) for name in CHANGED}
    camera.in_use, camera.set_by = in_use, actor.shown_name
    session.flush()
    station = find_station(session, actor.scope, camera.station_id)
    _note(session, actor, "station_camera.use", station, before, before | {"in_use": in_use})
    return camera


def _note(session: Session, actor: Actor, action: str, station: Station, before: Any, after: Any) -> None:
    record(
        session, actor, action, object_type="station", object_id=station.id, enterprise_id=station.enterprise_id,
        before=before, after=after,
    )  # fmt: skip
