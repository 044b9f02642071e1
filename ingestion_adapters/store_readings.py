"""RT: readings as columns, judged by numpy, ready for storage; one bad row never stops the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, clean_text, judge_row, raw_text, time_finding
from ingestion_adapters.instants import instants_ms
from ingestion_adapters.store_meters import MeterRows, has_meters, meters_among, take_meter_readings
from portal.core.actor import Actor
from portal.core.codes import dictionaries
from portal.flows.alarm_intake import take_in_readings
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.services import delays_s, store_readings

FLAGS = {"N": 0, "B": 1, "M": 2, "E": 3, "R": 4}
DAY_MS = 86_400_000
YEAR_MS = 366 * DAY_MS
ABSURD = 1e12
GOOD, OUT_OF_RANGE = (192, 216), 84
CATALOGUE_S = 5.0
QUALITIES = 256


@dataclass(frozen=True)
class RawReadings:
    """Readings as sent: row i is of point `points[which[i]]`; `numbers` says where the row stood in the batch."""

    points: Sequence[str]
    which: NDArray[np.int64]
    t: Sequence[Any]
    v: NDArray[np.float64]
    q: NDArray[np.int64]
    f: NDArray[np.int16]
    numbers: NDArray[np.int64]
    refused: list[Finding] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return the number of rows sent, refused ones included."""
        return int(self.v.size) + len(self.refused)

    @property
    def size(self) -> int:
        """Return the same, as rows as sent say it."""
        return self.rows


@dataclass(frozen=True)
class IntakeFigures:
    """The adjustable limits of a reading's time: parameters `intake.*`, else these defaults."""

    future_s: float = 300
    oldest_years: float = 6
    late_s: float = 300
    automatic_days: float = 7
    newest_every_s: float = 0.5


@dataclass(frozen=True)
class _Catalogue:
    """Points of one enterprise: code -> place in the arrays."""

    places: dict[str, int]
    ids: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    period_s: NDArray[np.int64]
    figures: IntakeFigures
    version: tuple[Any, ...]
    loaded_s: float


@dataclass(frozen=True)
class Judged:
    """Readings as judged: the sound ones sorted by point and time, and what is said of the others."""

    block: ReadingBlock
    findings: list[Finding]
    repeated: int
    late: int
    newest_every_s: float


_catalogues: dict[int, _Catalogue] = {}


def columns_of(records: Sequence[Any], refused: list[Finding], numbers: Sequence[int] | None = None) -> RawReadings:
    """Return typed records as columns; `refused` are the rows that could not be typed."""
    size = len(records)
    return RawReadings(
        points=[record.point for record in records],
        which=np.arange(size),
        t=[record.t for record in records],
        v=np.fromiter((record.v for record in records), float, size),
        q=np.fromiter((record.q for record in records), np.int64, size),
        f=np.fromiter((FLAGS[record.f] for record in records), np.int16, size),
        numbers=np.arange(size) if numbers is None else np.asarray(numbers, np.int64),
        refused=refused,
    )


def take_readings(
    session: Session, enterprise_id: int, raw: RawReadings, receipt_id: int, *, now: datetime, actor: Actor
) -> Stored:
    """Judge, store and hand on readings; return the counts and the findings, numbered as in the batch."""
    raw, of_meters = meters_apart(session, enterprise_id, raw)
    counted = take_counters(session, *of_meters, receipt_id, now) if of_meters else Stored(0, 0, [])
    stored = store_judged(session, judged(session, enterprise_id, raw, receipt_id, now), now=now, actor=actor)
    return Stored(
        stored.accepted + counted.accepted,
        stored.duplicate + counted.duplicate,
        [*raw.refused, *stored.rejections, *counted.rejections],
        stored.late + counted.late,
    )


def store_judged(session: Session, sound: Judged, *, now: datetime, actor: Actor) -> Stored:
    """Store and hand on judged readings; return the counts and the findings."""
    stored = store_readings(session, sound.block, sound.newest_every_s)
    if stored.new.rows:
        take_in_readings(session, stored.new, now=now, actor=actor, remembered=stored.remembered)
    return Stored(stored.new.rows, sound.repeated + stored.duplicate, sound.findings, sound.late)


def meters_apart(
    session: Session, enterprise_id: int, raw: RawReadings
) -> tuple[RawReadings, tuple[RawReadings, NDArray[np.int64]] | None]:
    """Return the readings of points or of nothing known, and those of meters with the number of each one's meter."""
    if not raw.v.size or not has_meters(session, enterprise_id):
        return raw, None
    no_points = _look_up(_catalogue_of(session, enterprise_id), raw) < 0
    if not no_points.any():
        return raw, None
    meter_id = meters_among(session, enterprise_id, raw.points, raw.which, no_points)
    of_meters = meter_id >= 0
    return _part(raw, ~of_meters, raw.refused), (_part(raw, of_meters, []), meter_id[of_meters])


def _part(raw: RawReadings, keep: NDArray[np.bool_], refused: list[Finding]) -> RawReadings:
    at = np.flatnonzero(keep)
    return replace(
        raw,
        which=raw.which[at],
        t=raw.t[at] if isinstance(raw.t, np.ndarray) else [raw.t[n] for n in at.tolist()],
        v=raw.v[at],
        q=raw.q[at],
        f=raw.f[at],
        numbers=raw.numbers[at],
        refused=refused,
    )


def take_counters(
    session: Session, raw: RawReadings, meter_id: NDArray[np.int64], receipt_id: int, now: datetime
) -> Stored:
    """Judge and store readings of meters; what a counter did wrong is noted, its reading kept."""
    limits = intake_figures(session)
    ts_ms, readable = instants_ms(raw.t)
    bad, findings = _refused(raw, np.zeros(raw.v.size, bool), (ts_ms, readable), limits, now)
    kept = np.flatnonzero(~bad)
    flag = _flagged(raw.f[kept], ts_ms[kept], round(now.timestamp() * 1000) - limits.automatic_days * DAY_MS)
    rows = MeterRows(
        meter_id[kept], raw.points, raw.which[kept], ts_ms[kept], raw.v[kept], raw.q[kept], flag, raw.numbers[kept]
    )
    taken, noted = take_meter_readings(session, rows, receipt_id)
    late = ts_ms[kept] < round(now.timestamp() * 1000) - 2 * DAY_MS
    return Stored(taken.added, taken.known, [*findings, *noted], int(late.sum()))


def judged(session: Session, enterprise_id: int, raw: RawReadings, receipt_id: int, now: datetime) -> Judged:
    """Return the sound readings and the findings, with the number of repeated and of late rows."""
    catalogue, places = _placed(session, enterprise_id, raw)
    ts_ms, readable = instants_ms(raw.t)
    limits = catalogue.figures
    bad, findings = _refused(raw, places < 0, (ts_ms, readable), limits, now)
    keep = np.flatnonzero(~bad) if findings else np.arange(places.size)
    of_points, at = places[keep], ts_ms[keep]
    order = np.lexsort((at, of_points))
    keep, of_points, at = keep[order], of_points[order], at[order]
    first = np.ones(keep.size, bool)
    first[1:] = (of_points[1:] != of_points[:-1]) | (at[1:] != at[:-1])
    kept, of_points = keep[first], of_points[first]
    block = _block(catalogue, of_points, raw, kept, (enterprise_id, receipt_id, now, at[first]))
    late = delays_s(block) > np.maximum(limits.late_s, 2 * catalogue.period_s[of_points])
    return Judged(block, findings, keep.size - kept.size, int(late.sum()), limits.newest_every_s)


def _refused(
    raw: RawReadings,
    unknown: NDArray[np.bool_],
    times: tuple[NDArray[np.int64], NDArray[np.bool_]],
    limits: IntakeFigures,
    now: datetime,
) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Return which rows are refused, and why: the first reason of each."""
    (ts_ms, readable), now_ms = times, round(now.timestamp() * 1000)
    marks = (
        ("E_UNKNOWN_OBJECT", unknown),
        ("E_TIME", ~readable),
        ("E_FUTURE", ts_ms > now_ms + 1000 * limits.future_s),
        ("E_TOO_OLD", ts_ms < now_ms - YEAR_MS * limits.oldest_years),
        ("E_RANGE", ~(np.abs(raw.v) < ABSURD)),
        ("E_DICT", ~_known_qualities()[np.minimum(np.maximum(raw.q, -1), QUALITIES)]),
    )
    bad = np.zeros(raw.v.size, bool)
    findings: list[Finding] = []
    for code, mark in marks:
        if not mark.any():
            continue
        findings += [_finding(raw, index, code, limits) for index in np.flatnonzero(mark & ~bad).tolist()]
        bad |= mark
    return bad, findings


@cache
def _known_qualities() -> NDArray[np.bool_]:
    """Return by quality whether the dictionary has it; what lies outside 0 to 255 stands for the last, which it has not."""
    known = np.zeros(QUALITIES + 1, bool)
    known[list(dictionaries()["quality"])] = True
    known[QUALITIES] = False
    return known


def _block(
    catalogue: _Catalogue,
    places: NDArray[np.int64],
    raw: RawReadings,
    kept: NDArray[np.int64],
    facts: tuple[int, int, datetime, NDArray[np.int64]],
) -> ReadingBlock:
    enterprise_id, receipt_id, now, ts_ms = facts
    value, quality = raw.v[kept], raw.q[kept]
    outside = (value < catalogue.low[places]) | (value > catalogue.high[places])
    quality = np.where(outside & ((quality == GOOD[0]) | (quality == GOOD[1])), OUT_OF_RANGE, quality)
    point_id = catalogue.ids[places].astype(np.int32)
    flag = _flagged(raw.f[kept], ts_ms, round(now.timestamp() * 1000) - catalogue.figures.automatic_days * DAY_MS)
    block = ReadingBlock(enterprise_id, receipt_id, now, point_id, ts_ms, value, quality.astype(np.int16), flag)
    if point_id.size and bool((np.diff(point_id) < 0).any()):
        order = np.lexsort((ts_ms, point_id))
        return replace(
            block,
            point_id=point_id[order],
            ts_ms=ts_ms[order],
            value=value[order],
            quality=block.quality[order],
            flag=block.flag[order],
        )
    return block


def _flagged(flag: NDArray[np.int16], ts_ms: NDArray[np.int64], oldest_ms: float) -> NDArray[np.int16]:
    """Return the flags; what comes as normal but later than taken automatically counts as back-filled."""
    return np.where((flag == FLAGS["N"]) & (ts_ms < oldest_ms), FLAGS["B"], flag).astype(np.int16)


def _placed(session: Session, enterprise_id: int, raw: RawReadings) -> tuple[_Catalogue, NDArray[np.int64]]:
    """Return the catalogue and each row's place in it, -1 for an unknown point."""
    catalogue = _catalogue_of(session, enterprise_id)
    places = _look_up(catalogue, raw)
    if (places < 0).any() and time.monotonic() - catalogue.loaded_s > 0.2:
        catalogue = _load(session, enterprise_id)
        places = _look_up(catalogue, raw)
    return catalogue, places


def _catalogue_of(session: Session, enterprise_id: int) -> _Catalogue:
    catalogue = _catalogues.get(enterprise_id)
    if catalogue is None or time.monotonic() - catalogue.loaded_s > CATALOGUE_S:
        catalogue = _load(session, enterprise_id)
    return catalogue


def _look_up(catalogue: _Catalogue, raw: RawReadings) -> NDArray[np.int64]:
    of_points = np.fromiter(map(catalogue.places.get, raw.points, repeat(-1)), np.int64, len(raw.points))
    if not len(raw.points):
        return np.full(raw.which.size, -1, np.int64)
    return of_points[raw.which]


def intake_figures(session: Session) -> IntakeFigures:
    """Return the time limits in force."""
    rows = session.execute(text("select key, value from parameter where key like 'intake.%'"))
    given = {row.key.removeprefix("intake."): row.value for row in rows}
    return IntakeFigures(**{each.name: given[each.name] for each in fields(IntakeFigures) if each.name in given})


def _load(session: Session, enterprise_id: int) -> _Catalogue:
    """Return the catalogue as it is now; the points are read again only when one of them changed."""
    version, known = _version_of(session, enterprise_id), _catalogues.get(enterprise_id)
    figures = intake_figures(session)
    if known is not None and known.version == version:
        catalogue = replace(known, figures=figures, loaded_s=time.monotonic())
    else:
        catalogue = _read(session, enterprise_id, figures, version)
    _catalogues[enterprise_id] = catalogue
    return catalogue


def _version_of(session: Session, enterprise_id: int) -> tuple[Any, ...]:
    """Return what differs once a point was added or changed: every change gives its row a new beginning.

    A sum and not the newest: a long transaction may commit after others that began later.
    """
    found = session.execute(
        text(
            "select count(*), max(id), sum(timestamp_hash(cast(valid_from at time zone 'UTC' as timestamp)) * cast(id as numeric))"
            " from point where enterprise_id = :e"
        ),
        {"e": enterprise_id},
    )
    return tuple(found.one())


def _read(session: Session, enterprise_id: int, figures: IntakeFigures, version: tuple[Any, ...]) -> _Catalogue:
    rows = session.execute(
        text(
            "select src_code, id, coalesce(range_low, '-infinity'), coalesce(range_high, 'infinity'), period_s"
            " from point where enterprise_id = :e order by id"
        ),
        {"e": enterprise_id},
    ).all()
    codes, ids, low, high, period = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return _Catalogue(
        {code: place for place, code in enumerate(codes)},
        np.array(ids, np.int64),
        np.array(low, float),
        np.array(high, float),
        np.array(period, np.int64),
        figures,
        version,
        time.monotonic(),
    )


def _finding(raw: RawReadings, index: int, code: str, limits: IntakeFigures) -> Finding:
    point = clean_text(raw.points[int(raw.which[index])], 64)
    t, v = raw.t[index], float(raw.v[index])
    row = {"point": raw.points[int(raw.which[index])], "t": t if isinstance(t, str) else int(t), "v": v}
    row["q"] = int(raw.q[index])
    sent = raw_text(row | {"point": point})
    if code == "E_UNKNOWN_OBJECT":  # a code that cannot be one is refused as every door refuses it
        shape = judge_row(row, 0, "RT")
        if isinstance(shape, Finding) and shape.field == "point":
            return replace(shape, row=int(raw.numbers[index]), object_code=point, raw=sent)
    if code == "E_TIME":
        found = time_finding("t", code)
    else:
        zh, en, name = {
            "E_UNKNOWN_OBJECT": (f"测点“{point}”不存在", f"Point {point} is unknown", "point"),
            "E_FUTURE": (
                f"时间晚于平台时间{limits.future_s:g}秒以上",
                f"The time lies more than {limits.future_s:g} s in the future",
                "t",
            ),
            "E_TOO_OLD": (
                f"时间早于{limits.oldest_years:g}年前",
                f"The time is older than {limits.oldest_years:g} years",
                "t",
            ),
            "E_RANGE": (f"数值 {v:g} 不合理", f"The value {v:g} is not plausible", "v"),
            "E_DICT": (
                f"质量码 {int(raw.q[index])} 不在字典中",
                f"Quality {int(raw.q[index])} is not in the dictionary",
                "q",
            ),
        }[code]
        found = Finding(0, code, zh, en, name)
    return replace(found, row=int(raw.numbers[index]), object_code=point, raw=sent)
