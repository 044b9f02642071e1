"""Where something an enterprise names lies: its point, its object, or given coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from portal.core.sql import load_sql

HERE = str(Path(__file__).parent)


@dataclass(frozen=True)
class Place:
    """A point's number and unit where one is named, the object's code, district and coordinates."""

    point_id: int | None = None
    unit: str | None = None
    object_code: str | None = None
    adcode: str | None = None
    lon_lat: tuple[float, float] | None = None


def place_named(
    session: Session,
    enterprise_id: int,
    *,
    point: str | None,
    object_code: str | None,
    lon_lat: tuple[float, float] | None,
) -> Place:
    """Return where an enterprise's point, object or coordinates lie, as far as it is known."""
    row = session.execute(
        load_sql(HERE, "place_named"),
        {
            "enterprise": enterprise_id,
            "point": point,
            "object": object_code,
            "lon": lon_lat[0] if lon_lat else None,
            "lat": lon_lat[1] if lon_lat else None,
        },
    ).one_or_none()
    if row is None:
        return Place(object_code=object_code or point, lon_lat=lon_lat)
    return Place(
        point_id=row.point_id,
        unit=row.unit,
        object_code=object_code or row.object_code or point,
        adcode=row.adcode,
        lon_lat=lon_lat or ((row.lon, row.lat) if row.lon is not None else None),
    )
