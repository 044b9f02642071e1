"""Rows by the thousand into a table with a natural key: COPY to a temporary table, then one statement.

Tables with row policies do not take COPY themselves. Unchanged rows are left alone, so that a
repeated delivery writes nothing and no history.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": ""})
_CODES_AT_ONCE = 20_000


@dataclass(frozen=True)
class Target:
    """A table, the columns to fill, and the columns of its natural key beside the enterprise."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("src_code",)
    stamp: str | None = None


def copy_field(value: Any) -> str:
    """Return one value in COPY text form."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).translate(_ESCAPES)


def copy_into(session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into a table of this session."""
    buffer = io.StringIO()
    for row in rows:
        buffer.write("\t".join(map(copy_field, row)))
        buffer.write("\n")
    buffer.seek(0)
    cursor = session.connection().connection.cursor()
    try:
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin", buffer)
    finally:
        cursor.close()


def stage(session: Session, target: Target, rows: Iterable[Sequence[Any]]) -> str:
    """Fill a temporary table with the target's columns and return its name; `unstage` drops it."""
    name = f"incoming_{target.table}"
    columns = ", ".join(target.columns)
    session.execute(
        text(f"create temp table {name} on commit drop as select {columns} from {target.table} with no data")
    )
    copy_into(session, name, target.columns, rows)
    session.execute(text(f"analyze {name}"))
    return name


def unstage(session: Session, name: str) -> None:
    """Drop a temporary table, so that the next batch of this transaction can use its name."""
    session.execute(text(f"drop table {name}"))


def upsert(
    session: Session, target: Target, enterprise_id: int, receipt_id: int, rows: Sequence[Sequence[Any]]
) -> tuple[int, int]:
    """Insert new rows, change those that differ; return how many were written and how many were known.

    Keys must be unique within `rows`.
    """
    if not rows:
        return 0, 0
    name = stage(session, target, rows)
    columns = ", ".join(target.columns)
    changing = [column for column in target.columns if column not in target.key]
    moved = ", ".join(f"{column} = excluded.{column}" for column in changing)
    old = ", ".join(f"old.{column}" for column in changing)
    new = ", ".join(f"excluded.{column}" for column in changing)
    stamp = f", {target.stamp} = now()" if target.stamp else ""
    done = session.execute(
        text(
            f"insert into {target.table} as old (enterprise_id, receipt_id, {columns})"  # names are constants
            f" select :enterprise_id, :receipt_id, {columns} from {name}"
            f" on conflict (enterprise_id, {', '.join(target.key)}) do update"
            f" set {moved}, receipt_id = excluded.receipt_id{stamp}"
            f" where ({old}) is distinct from ({new})"
        ),
        {"enterprise_id": enterprise_id, "receipt_id": receipt_id},
    )
    written = int(done.rowcount)  # type: ignore[attr-defined]
    unstage(session, name)
    return written, len(rows) - written


def ids_of(session: Session, table: str, enterprise_id: int, codes: Collection[str]) -> dict[str, int]:
    """Return code -> id of the enterprise's objects in one table; unknown codes are absent."""
    found: dict[str, int] = {}
    wanted = sorted(codes)
    for start in range(0, len(wanted), _CODES_AT_ONCE):
        rows = session.execute(
            text(f"select src_code, id from {table} where enterprise_id = :e and src_code = any(:codes)"),
            {"e": enterprise_id, "codes": wanted[start : start + _CODES_AT_ONCE]},
        )
        found.update((row.src_code, row.id) for row in rows)
    return found


def districts_of(session: Session, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[str | None]:
    """Return the district code of each place, None outside all districts."""
    places: list[str | None] = [None] * lon.size
    if not lon.size:
        return places
    rows = session.execute(text("select adcode, st_asbinary(geom) from base_district order by adcode"))
    for adcode, wkb in rows:
        area = shapely.from_wkb(bytes(wkb))
        shapely.prepare(area)
        for index in np.flatnonzero(shapely.contains_xy(area, lon, lat)):
            places[int(index)] = adcode
    return places


def points_as_text(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[str]:
    """Return hex EWKB of points in the storage system."""
    return as_text(shapely.points(lon, lat))


def as_text(shapes: Any) -> list[str]:
    """Return hex EWKB of shapes in the storage system."""
    marked = shapely.set_srid(np.asarray(shapes, dtype=object), STORAGE_SRID)
    return list(shapely.to_wkb(marked, hex=True, include_srid=True))
