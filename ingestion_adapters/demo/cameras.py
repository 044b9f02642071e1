"""The demo's cameras: two or three at each attended station, playing a short test picture of the portal itself; one is silent."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.network.models import Station
from portal.core.actor import Actor
from portal.operation.stations.services import NewCamera, add_camera

STREAM = "/static/demo/stream/test.m3u8"
SILENT = "/static/demo/stream/silent.m3u8"
PLACES = {
    2: ("进站区", "计量区", "出入口"), 3: ("球罐区", "压缩机房", "出入口"), 4: ("罐区", "卸车区", "出入口"),
    5: ("压缩机区", "加气岛"), 6: ("罐区", "灌装间", "卸车区"), 8: ("调压间",),
}  # fmt: skip


def load_cameras(session: Session, enterprise_id: int, *, actor: Actor) -> int:
    """Enter the cameras of an enterprise's stations; return how many. The first gate's way in does not answer."""
    stations = session.scalars(
        select(Station).where(Station.enterprise_id == enterprise_id, Station.kind.in_(PLACES)).order_by(Station.kind, Station.id)
    ).all()
    number = 0
    for station in stations:
        for ordinal, place in enumerate(PLACES[station.kind]):
            number += 1
            silent = station.kind == 2 and place == "出入口"
            new = NewCamera(
                code=f"9901{enterprise_id:04}0013200{number:05}", name=place, kind="hls",
                address=SILENT if silent else STREAM, place=place, ordinal=ordinal,
            )  # fmt: skip
            add_camera(session, station.id, new, actor=actor)
    return number
