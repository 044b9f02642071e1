"""What the map shows of past time in a part of the city: pressures from roll-ups, alarms, cases and closed valves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope
from portal.home.times_rules import Packed, Window, joined, pack, state_of

PRESSURE = 1
POINTS_MOST, ALARMS_MOST, CASES_MOST, VALVES_MOST = 2000, 5000, 2000, 2000
SHUT, FAULTY = 0, 3
Box = tuple[float, float, float, float]

_BOX = "t.geom && ST_MakeEnvelope(:west, :south, :east, :north, {srid})"
_POINTS = """
select t.id, coalesce(t.name, t.src_code) as name, t.unit, ST_X(t.geom) as lon, ST_Y(t.geom) as lat,
  t.low_low, t.low, t.high, t.high_high, count(*) over () as whole
from point t where t.measure = :measure and t.status <> 7 and {box} and {scope}
order by t.id limit :most
"""
# Uses the key of reading_hour; a value of several hours is their mean weighted by valid readings.
_VALUES = """
select point_id, floor(extract(epoch from hour - :begin) / :value_s)::integer as place,
  sum(mean * valid) / sum(valid) as mean, min(low) as low, max(high) as high
from reading_hour where point_id = any(:points) and hour >= :begin and hour < :end and valid > 0 and mean is not null
group by 1, 2 order by 1, 2
"""
_ALARMS = """
select t.id, n.level, t.level as first_level, t.kind, t.raised_at, n.cleared_at, t.object_code,
  ST_X(t.geom) as lon, ST_Y(t.geom) as lat, count(*) over () as whole
from alarm t join alarm_now n on n.alarm_id = t.id
where t.raised_at < :end and (n.cleared_at is null or n.cleared_at > :begin) and not t.historical
  and (t.geom is null or {box}) and {scope}
order by n.level, t.raised_at desc limit :most
"""
_RISES = """
select alarm_id, happened_at, level from alarm_event
where alarm_id = any(:alarms) and action = 'escalate' and level is not null order by id
"""
_CASES = """
select t.id, t.case_no, t.title, t.level, t.opened_at, t.closed_at, a.lon, a.lat, count(*) over () as whole
from supervision_case t left join lateral (
  select ST_X(g.geom) as lon, ST_Y(g.geom) as lat, g.geom from alarm g where g.id = t.alarm_id) a on true
where t.opened_at < :end and (t.closed_at is null or t.closed_at > :begin)
  and (a.geom is null or a.geom && ST_MakeEnvelope(:west, :south, :east, :north, {srid})) and {scope}
order by t.opened_at desc limit :most
"""
# States follow each other in table and history; neighbouring ones of one valve are joined by the caller.
_VALVES = """
select t.id, coalesce(t.name, t.src_code) as name, t.current_state as state, t.valid_from, t.valid_to,
  ST_X(t.geom) as lon, ST_Y(t.geom) as lat
from (select {columns} from gas_valve union all select {columns} from gas_valve_history) t
where t.current_state in (:shut, :faulty) and t.status <> 7
  and t.valid_from < :end and (t.valid_to is null or t.valid_to > :begin) and {box} and {scope}
order by t.id, t.valid_from limit :most
"""
_VALVE_COLUMNS = "id, name, src_code, current_state, status, valid_from, valid_to, enterprise_id, adcode, geom"


def _facts(window: Window, box: Box) -> dict[str, Any]:
    west, south, east, north = box
    return {"begin": window.begin, "end": window.end, "west": west, "south": south, "east": east, "north": north}


def _asked(statement: str, scope: Scope, window: Window, box: Box) -> tuple[Any, dict[str, Any]]:
    limited, facts = scope_sql(scope)
    named = {"box": _BOX.format(srid=STORAGE_SRID), "scope": limited, "srid": STORAGE_SRID, "columns": _VALVE_COLUMNS}
    return text(statement.format(**named)), facts | _facts(window, box)


def pressures(session: Session, scope: Scope, window: Window, box: Box) -> dict[str, Any]:
    """Return the pressure points of a box with their packed values and states, and how many there are in all."""
    statement, facts = _asked(_POINTS, scope, window, box)
    points = session.execute(statement, facts | {"measure": PRESSURE, "most": POINTS_MOST}).mappings().all()
    limits = {row["id"]: (row["low_low"], row["low"], row["high"], row["high_high"]) for row in points}
    packed: dict[int, Packed] = {}
    hours = session.execute(
        text(_VALUES),
        {"points": list(limits), "begin": window.begin, "end": window.end, "value_s": window.value_s},
    )
    for number, rows in groupby(hours, key=lambda row: int(row.point_id)):
        told = ((row.place, row.mean, state_of(row.low, row.high, limits[number])) for row in rows)
        packed[number] = pack(told, window.values)
    ordered = [packed.get(row["id"]) or pack((), window.values) for row in points]
    shown = [
        [row["id"], row["name"], row["unit"], round(row["lon"], 6), round(row["lat"], 6), each.base, each.scale]
        for row, each in zip(points, ordered, strict=True)
    ]
    return {
        "rows": shown, "whole": points[0]["whole"] if points else 0,
        "codes": joined((each.codes for each in ordered), "<u2"),
        "states": joined((each.states for each in ordered), "<u1"),
    }  # fmt: skip


def alarms(session: Session, scope: Scope, window: Window, box: Box) -> dict[str, Any]:
    """Return the alarms that stood at any time of the window, gravest first, each with its rises of level."""
    statement, facts = _asked(_ALARMS, scope, window, box)
    found = session.execute(statement, facts | {"most": ALARMS_MOST}).mappings().all()
    rises: dict[int, list[list[int]]] = {}
    for row in session.execute(text(_RISES), {"alarms": [row["id"] for row in found]}):
        rises.setdefault(row.alarm_id, []).append([window.offset_s(row.happened_at, 0), row.level])
    rows = [
        [
            row["id"], row["first_level"], row["kind"], row["object_code"] or "", *_place(row),
            *_span(window, row["raised_at"], row["cleared_at"]), rises.get(row["id"], []),
        ]
        for row in found
    ]  # fmt: skip
    begins = [
        (round((row["raised_at"] - window.begin).total_seconds()), row["first_level"]) for row in found
    ]
    return {"rows": rows, "whole": found[0]["whole"] if found else 0, "begins": begins}


def cases(session: Session, scope: Scope, window: Window, box: Box) -> dict[str, Any]:
    """Return the supervision cases that were open at any time of the window; those without a place carry none."""
    statement, facts = _asked(_CASES, scope, window, box)
    found = session.execute(statement, facts | {"most": CASES_MOST}).mappings().all()
    rows = [
        [row["id"], row["level"], f"{row['case_no']} {row['title']}", *_place(row), *_span(window, row["opened_at"], row["closed_at"])]
        for row in found
    ]
    return {"rows": rows, "whole": found[0]["whole"] if found else 0}


def shut_valves(session: Session, scope: Scope, window: Window, box: Box) -> dict[str, Any]:
    """Return when valves were known to be closed (0) or faulty (3) in the window."""
    statement, facts = _asked(_VALVES, scope, window, box)
    found = list(session.execute(statement, facts | {"shut": SHUT, "faulty": FAULTY, "most": VALVES_MOST + 1}))
    rows = [
        [each[0], each[1], each[2], round(each[3], 6), round(each[4], 6), each[5], each[6]]
        for each in _runs(window, found[:VALVES_MOST])
    ]
    return {"rows": rows, "more": len(found) > VALVES_MOST}


def _runs(window: Window, states: list[Any]) -> Iterator[list[Any]]:
    """Join states of a valve that follow each other with nothing changed of what is shown."""
    run: list[Any] | None = None
    for row in states:
        begin, end = _span(window, row.valid_from, row.valid_to)
        if run is not None and run[0] == row.id and run[2] == row.state and run[6] >= begin:
            run[6] = end
            continue
        if run is not None:
            yield run
        run = [row.id, row.name, row.state, row.lon, row.lat, begin, end]
    if run is not None:
        yield run


def _span(window: Window, begin: Any, end: Any) -> tuple[int, int]:
    return window.offset_s(begin, 0), window.offset_s(end, window.seconds)


def _place(row: Any) -> tuple[float | None, float | None]:
    return (None, None) if row["lon"] is None else (round(row["lon"], 6), round(row["lat"], 6))
