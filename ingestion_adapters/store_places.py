"""Where a filed record belongs: its own place, the object or user it names, and the district of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import shapely
from msgspec import UNSET
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding
from ingestion_adapters.contract.base import LineString
from ingestion_adapters.store_bulk import as_text, districts_of, points_as_text

# In the order in which a code is looked for; the names are those of the map's layers.
_OBJECTS = (
    ("station", "gas_station"),
    ("regulator", "gas_regulator"),
    ("valve", "gas_valve"),
    ("pipe", "gas_pipe"),
    ("node", "gas_node"),
    ("sensor", "point"),
    ("user", "gas_user"),
)
_FIND = text(
    " union all ".join(
        f"select {turn} as turn, '{kind}' as kind, src_code, id, adcode from {table}"  # constant names
        " where enterprise_id = :e and src_code = any(:codes)"
        for turn, (kind, table) in enumerate(_OBJECTS)
    )
    + " order by turn desc"
)


@dataclass(frozen=True)
class Found:
    """The columns that say where a record belongs."""

    object_code: str | None = None
    object_type: str | None = None
    object_id: int | None = None
    geom: str | None = None
    adcode: str | None = None
    user_id: int | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns by name."""
        return asdict(self)


def line_as_text(line: LineString) -> str:
    """Return a line as hex EWKB."""
    return as_text([shapely.LineString([pair[:2] for pair in line.coordinates])])[0]


def _stated(record: Any, name: str) -> Any:
    value = getattr(record, name, UNSET)
    return None if value is UNSET else value


class Places:
    """The objects, users and districts a batch of records speaks of, looked up at once."""

    def __init__(self, session: Session, enterprise_id: int, records: Sequence[Any]) -> None:
        """Look up every object and user named, and the district of every place."""
        codes = {code for each in records for code in (_stated(each, "object_code"),) if code}
        numbers = {number for each in records for number in (_stated(each, "user_no"),) if number}
        found = (
            session.execute(_FIND, {"e": enterprise_id, "codes": sorted(codes | numbers)}).all()
            if codes | numbers
            else []
        )
        self.objects = {row.src_code: row for row in found}
        self.users = {row.src_code: row for row in found if row.kind == "user"}
        placed = [each for each in records if _stated(each, "lon") is not None and _stated(each, "lat") is not None]
        tracked = [
            each for each in records if isinstance(_stated(each, "track"), LineString) and _stated(each, "lon") is None
        ]
        middles = [_middle(each.track) for each in tracked]
        lon = np.array([each.lon for each in placed] + [at[0] for at in middles], float)
        lat = np.array([each.lat for each in placed] + [at[1] for at in middles], float)
        districts = districts_of(session, lon, lat)
        shapes = points_as_text(lon, lat) if lon.size else []
        self.places = {
            id(each): (shape, district) for each, shape, district in zip(placed, shapes, districts, strict=False)
        }
        self.tracks = {id(each): district for each, district in zip(tracked, districts[len(placed) :], strict=True)}

    def of(self, record: Any, prior: Any) -> Found | Finding:
        """Return where a record belongs, or the finding that it names an object nobody sent."""
        code, number = _stated(record, "object_code"), _stated(record, "user_no")
        if code is not None and code not in self.objects:
            return _unknown("object_code", code)
        if number is not None and number not in self.users:
            return _unknown("user_no", number)
        user = self.users.get(number) if number else None
        thing = self.objects.get(code) if code else user
        if thing is None and prior is not None and getattr(record, "object_code", None) is UNSET:
            kept = (prior.object_code, prior.object_type, prior.object_id)
        else:
            kept = (code, thing.kind, thing.id) if thing is not None else (None, None, None)
        geom, adcode = self._place(record, prior)
        if adcode is None and geom is None:
            adcode = self.tracks.get(id(record)) or (thing.adcode if thing is not None else None)
            adcode = adcode or (prior.adcode if prior is not None else None)
        user_id = user.id if user else getattr(prior, "user_id", None)
        return Found(*kept, geom, adcode, user_id)

    def _place(self, record: Any, prior: Any) -> tuple[str | None, str | None]:
        own = self.places.get(id(record))
        if own is not None:
            return own
        known = getattr(prior, "geom", None)
        if getattr(record, "lon", None) is UNSET and known is not None:
            return known, prior.adcode
        return None, None


def _middle(line: LineString) -> tuple[float, float]:
    at = shapely.LineString([pair[:2] for pair in line.coordinates]).interpolate(0.5, normalized=True)
    return float(at.x), float(at.y)


def _unknown(field: str, code: str) -> Finding:
    words = f"“{field}”引用的对象“{code}”不存在", f"{field}: object {code} is unknown"
    return Finding(0, "E_UNKNOWN_OBJECT", *words, field, rule="R7")
