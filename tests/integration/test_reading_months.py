"""Hourly figures in months: made when they are needed, retired by policy only, and old tables taken over as they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.retention import retire_months
from portal.operation.telemetry.rollup import roll_up_span
from tests.factories import make_enterprise, make_point
from tests.readings import TODAY, pack, roll_all, store

SQL = Path(__file__).parents[2] / "migrations" / "sql" / "reading_hours.sql"
INSERT = (
    "insert into reading_hour (point_id, hour, readings, valid, in_time, in_limits) values (:p, :hour, 1, 1, 1, 1)"
)

INSERT_DAY = (
    "insert into reading_day (point_id, starts_at_h, day, readings, valid, in_time, in_limits)"
    " values (:p, 0, (cast(:hour as timestamptz) at time zone 'Asia/Shanghai')::date, 1, 1, 1, 1)"
)


def months(session: Session) -> list[str]:
    """Return the partitions."""
    wanted = "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'reading_hour'::regclass"
    return sorted(session.scalars(text(wanted)))


def an_old_hour(session: Session, years: float, *, with_day: bool = True) -> tuple[Point, datetime]:
    """Store one hour of long ago and its day, as they are left when the readings are gone; return the point and the hour."""
    point = make_point(session, make_enterprise(session))
    hour = (utc_now() - timedelta(days=round(years * 365.25))).replace(day=15, minute=0, second=0, microsecond=0)
    session.execute(text("select ensure_reading_month(:d)"), {"d": hour.date()})
    session.execute(text(INSERT), {"p": point.id, "hour": hour})
    if with_day:
        session.execute(text(INSERT_DAY), {"p": point.id, "hour": hour})
    return point, hour


def test_a_roll_up_makes_the_months_it_needs(db: Session) -> None:
    begin = datetime(2019, 12, 31, 22, tzinfo=UTC)
    roll_up_span(db, begin, begin + timedelta(hours=4))
    assert {"reading_hour_201912", "reading_hour_202001"} <= set(months(db))
    db.execute(text("select ensure_reading_month('2020-01-31')"))
    assert months(db).count("reading_hour_202001") == 1


@pytest.mark.clause("7.2.3.1-t_2")
def test_only_months_beyond_the_years_kept_go_and_their_days_stay(db: Session) -> None:
    (gone, hour), (kept, young) = an_old_hour(db, 10.5), an_old_hour(db, 9.5)
    assert retire_months(db, cli_actor()) == 1
    assert f"reading_hour_{hour:%Y%m}" not in months(db) and f"reading_hour_{young:%Y%m}" in months(db)
    days = db.scalars(text("select point_id from reading_day where point_id in (:a, :b)"), {"a": gone.id, "b": kept.id}).all()
    assert set(days) == {gone.id, kept.id}
    acts = text("select object_id, before ->> 'hours' from audit_entry where object_type = 'reading_month'")
    assert [tuple(row) for row in db.execute(acts)] == [(f"reading_hour_{hour:%Y%m}", "1")]


def test_a_month_without_its_days_or_with_readings_stays(db: Session) -> None:
    obstacle = text("select obstacle from retirable_reading_months(10) where part = :part")
    _, hour = an_old_hour(db, 12.5, with_day=False)
    assert db.scalar(obstacle, {"part": f"reading_hour_{hour:%Y%m}"}) == "days_missing"
    point, hour = an_old_hour(db, 10.5)
    part = {"part": f"reading_hour_{hour:%Y%m}"}
    assert db.scalar(obstacle, part) is None
    db.execute(text("select ensure_reading_day(:d)"), {"d": hour.date()})
    store(db, point, hour.date(), [1], [2.0])
    assert db.scalar(obstacle, part) == "rollups_due"
    roll_all(db)
    assert db.scalar(obstacle, part) == "readings_kept"
    assert retire_months(db, cli_actor()) == 0


@pytest.mark.parametrize(("years", "keep"), [(6.5, 7), (6.5, 1), (9, 10), (20, 3)])
def test_the_database_refuses_to_retire_younger_months(db: Session, years: float, keep: int) -> None:
    _, hour = an_old_hour(db, years)
    facts = {"part": f"reading_hour_{hour:%Y%m}", "k": keep}
    with pytest.raises(IntegrityError, match="too_young"), db.begin_nested():
        db.execute(text("select retire_reading_month(:part, :k, 'job', 'somebody')"), facts)


def test_an_enterprise_sees_its_own_hours_only_and_no_partition(settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        (mine, hour), (other, _) = an_old_hour(session, 1), an_old_hour(session, 1)
        own, mine_id, other_id = mine.enterprise_id, mine.id, other.id
    with transaction(settings, Scope(enterprise_ids=frozenset({own}))) as session:
        wanted = text("select point_id from reading_hour where point_id in (:a, :b)")
        assert session.scalars(wanted, {"a": mine_id, "b": other_id}).all() == [mine_id]
        may = text("select has_table_privilege(current_user, :part, 'select')")
        assert session.scalar(may, {"part": f"reading_hour_{hour:%Y%m}"}) is False


@pytest.fixture
def before(database: dict[str, str]) -> Iterator[Any]:
    """Give the owner's connection, whose changes are taken back, with the table as it was before there were months."""
    engine = create_engine(database["PORTAL_OWNER_DATABASE_URL"])
    with engine.connect() as owner:
        owner.exec_driver_sql("set role ranjian_owner")
        owner.exec_driver_sql("drop table reading_hour cascade")
        for name in ("reading_hour_ends(oid)", "reading_hour_parts()", "ensure_reading_month(date)"):
            owner.exec_driver_sql(f"drop function {name} cascade")
        for name in ("reading_month_obstacle(name, int)", "retirable_reading_months(int)", "retire_reading_month(name, int, text, text)"):
            owner.exec_driver_sql(f"drop function {name} cascade")
        owner.exec_driver_sql(
            "create table reading_hour (point_id int not null, hour timestamptz not null, low float8, high float8, mean float8,"
            " last float8, readings int not null, valid int not null, in_time int not null, in_limits int not null,"
            " constraint pk_reading_hour primary key (point_id, hour));"
            "create index ix_reading_hour_hour on reading_hour using brin (hour) with (pages_per_range = 32, autosummarize = on);"
            "create policy in_scope on reading_hour using (true)"
        )
        yield owner
        owner.rollback()
    engine.dispose()


def test_a_table_from_before_becomes_the_first_partition_as_it_is(before: Any) -> None:
    hour = datetime(2026, 11, 25, 7, tzinfo=UTC)
    for each in (hour, hour - timedelta(days=400)):
        before.execute(text(INSERT), {"p": 7, "hour": each})
    before.exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
    parts = "select part, ends from reading_hour_parts()"
    ends = {row.part: row.ends for row in before.execute(text(parts))}
    assert ends.pop("reading_hour_first") == datetime(2026, 12, 1, tzinfo=UTC)
    assert all(end > datetime(2026, 12, 1, tzinfo=UTC) for end in ends.values())  # the months around today
    for day in ("2026-11-30", "2020-01-01", "2026-12-01"):
        before.execute(text("select ensure_reading_month(:d)"), {"d": day})
    for each in (hour - timedelta(days=900), hour + timedelta(days=10)):
        before.execute(text(INSERT), {"p": 7, "hour": each})
    where = "select count(*), count(*) filter (where tableoid = 'reading_hour_202612'::regclass) from reading_hour"
    assert tuple(before.execute(text(where)).one()) == (4, 1)


def test_a_locked_day_does_not_keep_the_others(settings: Settings, database: dict[str, str]) -> None:
    days = [TODAY - timedelta(days=70), TODAY - timedelta(days=69)]
    with transaction(settings, CITY, worker=True) as session:
        point = make_point(session, make_enterprise(session))
        for day in days:
            session.execute(text("select ensure_reading_day(:d)"), {"d": day})
            store(session, point, day, [1], [2.0])
        for day in days:
            assert pack(session, day)
    engine = create_engine(database["PORTAL_OWNER_DATABASE_URL"])
    with engine.begin() as owner:
        aged = "update packed_day set packed_at = case when day = any(:d) then now() - interval '1 hour' else now() end"
        owner.execute(text(aged), {"d": days})
    with engine.begin() as busy:
        busy.execute(text(f"lock table reading_{days[0]:%Y%m%d} in share mode"))
        with transaction(settings, CITY, worker=True) as session:
            dropped = session.scalar(text("select drop_emptied_reading_day()"))
    engine.dispose()
    assert dropped == days[1]
