"""RT in an enterprise's words as columns: points by look-up, units by one factor a point; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.mapping.readers import UnknownWord
from ingestion_adapters.mapping.rules import FieldReader, Translation, point_of
from ingestion_adapters.store_readings import FLAGS, RawReadings

LATEST_MS = 10**13
GOOD = 192


def spoken_columns(raw: RawReadings, spoken: Translation) -> RawReadings:
    """Return columns with our points and units; the places of the rows stay."""
    points = [point_of(code, spoken) for code in raw.points]
    if not spoken.scales or not points:
        return replace(raw, points=points)
    scales = [spoken.scales.get(code, (1.0, 0.0)) for code in points]
    factor, offset = np.array(scales, float).T
    which = raw.which
    plain = (factor == 1.0) & (offset == 0.0)
    # Twelve digits are kept as in single rows: 0.31 MPa is 310 kPa, not 310.00000000000006.
    value = np.where(plain[which], raw.v, _rounded(raw.v * factor[which] + offset[which]))
    return replace(raw, points=points, v=value)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 11 - np.floor(np.log10(np.abs(values)))
        power = np.power(10.0, np.where(np.isfinite(digits), np.clip(digits, 0, 300), 0.0))
        found = np.round(values * power) / power
    return np.where(np.isfinite(found), found, values)


def columns_from(rows: Sequence[Any], spoken: Translation) -> RawReadings | None:
    """Return rows in their words as columns in theirs still, None when anything asks for a judgement row by row."""
    readers = {each.ours: each for each in spoken.common}
    sources = {name: _source(readers, name) for name in ("point", "t", "v", "q", "f")}
    if None in sources.values() or not rows:
        return None
    allowed = {*sources.values(), *spoken.ignore}
    needed = {sources["point"], sources["t"], sources["v"]}
    if not all(isinstance(row, dict) and needed <= row.keys() <= allowed for row in rows):
        return None
    point, t, v, q, f = (str(sources[name]) for name in ("point", "t", "v", "q", "f"))
    try:
        times = _read_all([row[t] for row in rows], readers.get("t"))
        qualities = _read_all([row.get(q, GOOD) for row in rows], readers.get("q"), absent=GOOD)
        letters = _read_all([row.get(f, "N") for row in rows], readers.get("f"), absent="N")
        return _columns([row[point] for row in rows], times, [row[v] for row in rows], (qualities, letters))
    except (UnknownWord, TypeError, KeyError, ValueError, OverflowError):
        return None


def _source(readers: dict[str, FieldReader], ours: str) -> str | None:
    """Return the one field of theirs that holds ours, None when it takes more than reading it."""
    reader = readers.get(ours)
    if reader is None:
        return ours
    simple = len(reader.sources) == 1 and (ours != "v" or reader.read({reader.sources[0]: 1.5}) == 1.5)
    return reader.sources[0] if simple else None


def _read_all(values: list[Any], reader: FieldReader | None, absent: Any = None) -> list[Any]:
    """Return values as the reader reads them, each different one once."""
    if reader is None:
        return values
    name = reader.sources[0]
    known: dict[Any, Any] = {} if absent is None else {absent: absent}
    done = []
    for value in values:
        key = (value, type(value))
        found = known.get(key, known)
        if found is known:
            found = known[key] = absent if value is absent else reader.read({name: value})
        done.append(found)
    return done


def _columns(
    points: list[Any], times: list[Any], values: list[Any], marks: tuple[list[Any], list[Any]]
) -> RawReadings | None:
    qualities, letters = marks
    kinds = {*map(type, times)}
    if {*map(type, points)} != {str} or not {*map(type, values)} <= {int, float} or not kinds <= {str, int}:
        return None
    if int in kinds and not all(0 <= at < LATEST_MS for at in times if type(at) is int):
        return None
    if {*map(type, qualities)} != {int} or not 0 <= min(qualities) <= max(qualities) <= 255:
        return None
    places: dict[str, int] = {}
    which = [places.setdefault(code, len(places)) for code in points]
    size = len(points)
    return RawReadings(
        list(places),
        np.array(which, np.int64),
        times,
        np.array(values, float),
        np.array(qualities, np.int64),
        np.array([FLAGS[letter] for letter in letters], np.int16),
        np.arange(size),
    )
