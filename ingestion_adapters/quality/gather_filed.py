"""Facts of what was filed: batches, daily reports, the stored network and what enterprises say they sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.network.models import Pipe
from gis.network.rules import Limits, PipeFacts, length_problem, pipe_problems
from ingestion_adapters.quality.gather import View, batches_of_day
from ingestion_adapters.quality.models import FeedState
from ingestion_adapters.quality.reconciliation import compared
from ingestion_adapters.quality.verdicts import Fact, Parameters
from portal.core.clock import local
from portal.operation.telemetry.rules import begin_of_day
from portal.supply.models import DailySupply

CODES_SHOWN = 10


def _of_feed(enterprise_id: int, dataset: str, values: dict[str, Any], view: View) -> Fact:
    return Fact(enterprise_id, "feed", None, dataset, values, dataset, view.begin, view.upto)


def rows_taken(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield rows not refused of rows received, by feed."""
    for row in batches_of_day(view):
        yield _of_feed(row.enterprise_id, row.dataset, {"due": row.rows, "good": row.rows - row.rejected}, view)


def rows_in_contract(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield rows of the agreed form and codes of rows received, by feed."""
    for row in batches_of_day(view):
        yield _of_feed(row.enterprise_id, row.dataset, {"due": row.rows, "good": row.rows - row.contract}, view)


def batches_taken(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield batches not refused whole of batches received, by feed."""
    for row in batches_of_day(view):
        values = {"due": row.batches + row.refused, "good": row.batches}
        yield _of_feed(row.enterprise_id, row.dataset, values, view)


def rows_in_limit(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield rows within their time limit of rows received, by feed; readings have a rule of their own."""
    counted = text(
        "select enterprise_id, dataset, sum(rows) as rows, sum(late) as late from intake_hour"
        " where hour >= :begin and hour < :end and dataset <> 'RT' group by 1, 2"
    )
    for row in view.session.execute(counted, {"begin": view.begin, "end": view.end}):
        values = {"due": int(row.rows), "good": int(row.rows) - int(row.late)}
        yield _of_feed(row.enterprise_id, row.dataset, values, view)


def feeds_online(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the seconds of the day in which a feed that has an interval was not silent."""
    span_s = max(0.0, (view.upto - view.begin).total_seconds())
    silent = text(
        "select enterprise_id, dataset, sum(extract(epoch from least(coalesce(ended_at, :upto), :upto)"
        " - greatest(began_at, :begin)))::float as s from feed_silence"
        " where began_at < :upto and coalesce(ended_at, :upto) > :begin group by 1, 2"
    )
    lost = {
        (r.enterprise_id, r.dataset): r.s
        for r in view.session.execute(silent, {"begin": view.begin, "upto": view.upto})
    }
    wanted = select(FeedState).where(FeedState.interval_s.is_not(None), FeedState.last_at.is_not(None))
    for state in view.session.scalars(wanted):
        good = span_s - lost.get((state.enterprise_id, state.dataset), 0.0)
        yield _of_feed(state.enterprise_id, state.dataset, {"due": span_s, "good": max(0.0, good)}, view)


def _gas_day(view: View, due_h: int) -> tuple[datetime, datetime, datetime]:
    begin, following = begin_of_day(view.day, 8), view.day + timedelta(days=1)
    return begin, begin_of_day(following, 8), begin_of_day(following, due_h)


def days_filed(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield whether the daily report of a gas day was filed, once it is due."""
    if view.now < _gas_day(view, int(parameters["due_h"]))[2]:
        return
    filed = set(view.session.scalars(select(DailySupply.enterprise_id).where(DailySupply.gas_day == view.day)))
    first = select(DailySupply.enterprise_id, func.min(DailySupply.gas_day)).group_by(DailySupply.enterprise_id)
    for enterprise_id, begun in view.session.execute(first):
        if begun <= view.day:
            yield _of_feed(enterprise_id, "DAY", {"due": 1, "good": int(enterprise_id in filed)}, view)


def balances(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield what the stations measured in a gas day beside what the daily report says was bought."""
    begin, end, _ = _gas_day(view, 9)
    if end > view.now:
        return
    measured = {row.enterprise_id: row for row in view.rows("station_flow", {"begin": begin, "end": end})}
    for row in view.session.scalars(select(DailySupply).where(DailySupply.gas_day == view.day)):
        mine = measured.get(row.enterprise_id)
        if mine is None:
            continue
        values = {
            "measured_m3": mine.measured_m3 or 0.0,
            "coverage": mine.coverage or 0.0,
            "reported_m3": row.purchased_m3,
        }
        yield Fact(row.enterprise_id, "day", None, "DAY", values, "DAY", begin, end)


def sold_of_bought(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the volumes of a gas day, with the change of linepack since the day before."""
    wanted = select(DailySupply).where(DailySupply.gas_day.in_([view.day, view.day - timedelta(days=1)]))
    rows = {(row.enterprise_id, row.gas_day): row for row in view.session.scalars(wanted)}
    for (enterprise_id, day), row in rows.items():
        if day != view.day:
            continue
        before = rows.get((enterprise_id, day - timedelta(days=1)))
        known = before is not None and row.linepack_m3 is not None and before.linepack_m3 is not None
        change = row.linepack_m3 - before.linepack_m3 if known else 0.0  # type: ignore[operator,union-attr]
        values = {
            "purchased_m3": row.purchased_m3,
            "sold_m3": row.sold_m3,
            "own_use_m3": row.own_use_m3,
            "linepack_change_m3": change,
        }
        yield Fact(enterprise_id, "day", None, "DAY", values, "DAY", *_gas_day(view, 9)[:2])


def claims(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield what enterprises said they sent beside what was received."""
    for line in compared(view.session, view.day):
        if line.sent is not None:
            values = {"differs": line.differs, **line.counts()}
            yield _of_feed(line.enterprise_id, line.dataset, values, view)


def references(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield points and users that hang on no known object."""
    for dataset, table, condition in (
        ("NET", "point", "status in (2, 3)"),
        ("USR", "gas_user", "status in (2, 3)"),
    ):
        lost = "object_id is null" if table == "point" else "node_id is null and regulator_id is null"
        found = text(
            f"select enterprise_id, count(*) as checked, count(*) filter (where {lost}) as found,"
            f" (array_agg(src_code) filter (where {lost}))[1:{CODES_SHOWN}] as codes"
            f" from {table} where {condition} group by enterprise_id"
        )
        for row in view.session.execute(found):
            values = {"checked": row.checked, "found": row.found, "codes": row.codes or []}
            yield _of_feed(row.enterprise_id, dataset, values, view)


def network_problems(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the stored pipes with their problems under one of the rules R1 to R19."""
    rule = str(parameters["rule"])
    for row, problems in _judged_pipes(view):
        yield Fact(row.enterprise_id, "pipe", row.id, row.src_code, {"problems": problems.get(rule, [])}, "NET")


def _judged_pipes(view: View) -> list[tuple[Any, dict[str, list[str]]]]:
    if "pipes" not in view.kept:
        view.kept["pipes"] = list(_judge_pipes(view.session, view.now))
    return list(view.kept["pipes"])


def _judge_pipes(session: Session, now: datetime) -> Iterator[tuple[Any, dict[str, list[str]]]]:
    names = [name for name in PipeFacts.__dataclass_fields__ if name != "commission_date"]
    columns = [getattr(Pipe, name) for name in names]
    wanted = select(
        Pipe.id,
        Pipe.enterprise_id,
        Pipe.src_code,
        Pipe.length_m,
        Pipe.length_said_m,
        Pipe.fed,
        Pipe.commissioned_on,
        *columns,
    ).where(Pipe.status.in_((2, 3)))
    limits, today = Limits(), local(now).date()
    for row in session.execute(wanted):
        facts = PipeFacts(**{name: getattr(row, name) for name in names}, commission_date=row.commissioned_on)
        found: dict[str, list[str]] = {}
        for problem in pipe_problems(facts, limits, today):
            found.setdefault(problem.rule, []).append(problem.key)
        if row.length_said_m is not None:
            off = length_problem(row.length_said_m, row.length_m, chord=False, limits=limits)
            if off:
                found.setdefault("R17", []).append(off.key)
        if row.fed is False:
            found["R14"] = ["not_fed"]
        yield row, found


def class_changes(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the pressure classes that meet at each node, and whether a regulator or station stands there."""
    for row in view.rows("class_changes", {}):
        values = {"classes": row.classes, "regulated": row.regulated}
        yield Fact(row.enterprise_id, "node", row.id, row.src_code, values, "NET")
