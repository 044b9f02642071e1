"""Reads of outages: what was last heard, open lines, pages, members, and the share of time without data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, case, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.operation.devices.models import Device, DevicePoint
from portal.operation.outages.models import Outage
from portal.operation.outages.rules import DEVICE, GATEWAY, LINK, POINT, Figures, Heard

HERE = str(Path(__file__).parent)
EXPORT_MOST = 50_000
POINTS_SHOWN = 200
BIGGEST_ID = 2**63 - 1
FILLS_WITHIN, LOOK_AGAIN = timedelta(days=7), timedelta(minutes=2)


@dataclass(frozen=True)
class OutageFilter:
    """What a list of outages is narrowed to."""

    view: str = "open"
    level: int | None = None
    enterprise_id: int | None = None
    words: str = ""


@dataclass(frozen=True)
class Named:
    """What a point is called and where it lies in the tree."""

    code: str
    adcode: str | None
    object_code: str
    lon_lat: tuple[float, float] | None
    device_id: int | None
    gateway_id: int | None


def figures_in_force(session: Session) -> Figures:
    """Return the limits in force."""
    rows = session.execute(text("select key, value from parameter where key like 'outage.%'"))
    given = {row.key.removeprefix("outage."): row.value for row in rows}
    return Figures(**{each.name: given[each.name] for each in fields(Figures) if each.name in given})


def heard_points(session: Session) -> dict[int, list[Heard]]:
    """Return the points in service that were ever heard, by enterprise; those under maintenance left out."""
    found: dict[int, list[Heard]] = {}
    for row in session.execute(load_sql(HERE, "heard_points")):
        found.setdefault(row.enterprise_id, []).append(
            Heard(
                row.id, row.ts, row.received_at, row.period_s, row.flag, row.device_id, row.gateway_id, row.power,
                row.heartbeat_s, row.at_gate,
            )
        )  # fmt: skip
    return found


def watching_since(session: Session) -> datetime | None:
    """Return since when the scheduler has run without a gap of two minutes; None when it never did."""
    # This layer lies above the jobs, whose table says when which scheduler led.
    rows = session.execute(
        text("select slot, ended_at from job_run where job = 'scheduler' order by slot desc limit 20")
    ).all()
    begin: datetime | None = None
    for row in rows:
        if begin is not None and (row.ended_at is None or (begin - row.ended_at).total_seconds() > 120):
            break
        begin = row.slot
    return begin


def open_outages(session: Session) -> dict[int, list[Outage]]:
    """Return the open outages by enterprise, locked to the end."""
    found: dict[int, list[Outage]] = {}
    wanted = select(Outage).where(Outage.ended_at.is_(None)).order_by(Outage.id).with_for_update()
    for outage in session.scalars(wanted.execution_options(populate_existing=True)):
        found.setdefault(outage.enterprise_id, []).append(outage)
    return found


def point_named(session: Session, point_id: int) -> Named:
    """Return what a point is called and where it lies."""
    row = session.execute(load_sql(HERE, "point_named"), {"point": point_id}).one()
    return Named(row.src_code, row.adcode, row.object_code, (row.lon, row.lat), row.device_id, row.gateway_id)


def device_named(session: Session, device_id: int) -> Named:
    """Return what a device is called and where it lies."""
    row = session.execute(load_sql(HERE, "device_named"), {"device": device_id}).one()
    place = (row.lon, row.lat) if row.lon is not None else None
    return Named(row.src_code, row.adcode, row.object_code or row.src_code, place, device_id, row.gateway_id)


def enterprise_named(session: Session, enterprise_id: int) -> str:
    """Return the short name of an enterprise."""
    return str(session.scalar(select(Enterprise.short_name).where(Enterprise.id == enterprise_id)))


def _listed() -> Select[Any]:
    listed: Select[Any] = select(*Outage.__table__.columns, Enterprise.short_name.label("enterprise")).join(
        Enterprise, Enterprise.id == Outage.enterprise_id
    )
    return listed


def _within(scope: Scope) -> Any:
    """Return the scope's condition; of a district also whole enterprises, which the row policy narrows to those served."""
    inside = in_scope(scope, Outage.enterprise_id, Outage.adcode)
    return or_(inside, Outage.adcode.is_(None)) if scope.adcodes else inside


def _narrowed(wanted: OutageFilter, scope: Scope) -> list[Any]:
    parts = [_within(scope)]
    parts += equals({Outage.level: wanted.level, Outage.enterprise_id: wanted.enterprise_id})
    if wanted.view == "open":
        parts.append(Outage.ended_at.is_(None))
    elif wanted.view == "gaps":
        parts += [Outage.ended_at.is_not(None), Outage.filled_at.is_(None), Outage.lost > 0, Outage.outcome != "merged"]
    if wanted.words:
        parts.append(contains(wanted.words, Outage.subject))
    return parts


def outages_page(session: Session, wanted: OutageFilter, *, cursor: Cursor | None, scope: Scope) -> Page:
    """Return one page of outages, newest first."""
    return newest_first(session, _listed().where(*_narrowed(wanted, scope)), (Outage.began_at, Outage.id), cursor)


def outages_listed(session: Session, wanted: OutageFilter, *, scope: Scope) -> Iterator[Any]:
    """Give the outages of a filter, newest first, up to the most an export holds."""
    asked = _listed().where(*_narrowed(wanted, scope)).order_by(Outage.began_at.desc(), Outage.id.desc())
    yield from session.execute(asked.limit(EXPORT_MOST))


def find_outage(session: Session, outage_id: int, *, scope: Scope) -> Any:
    """Return one outage; raise NotFound outside the scope."""
    row = None
    if 0 < outage_id <= BIGGEST_ID:
        row = session.execute(_listed().where(Outage.id == outage_id, _within(scope))).one_or_none()
    if row is None:
        raise NotFound("outage", outage_id=outage_id)
    return row


def open_summary(session: Session, *, scope: Scope) -> dict[int, tuple[int, int]]:
    """Return level -> (open outages, points without data)."""
    rows = session.execute(
        select(Outage.level, func.count(), func.sum(Outage.silent))
        .where(Outage.ended_at.is_(None), _within(scope))
        .group_by(Outage.level)
    )
    return {level: (count, int(points or 0)) for level, count, points in rows}


def widest_open(
    session: Session, *, scope: Scope, limit: int = 5, enterprise_id: int | None = None
) -> Sequence[Any]:
    """Return the open outages that concern most points, of one enterprise when it is given."""
    asked = _listed().where(Outage.ended_at.is_(None), _within(scope))
    if enterprise_id is not None:
        asked = asked.where(Outage.enterprise_id == enterprise_id)
    return session.execute(asked.order_by(Outage.silent.desc(), Outage.began_at).limit(limit)).all()


def children_of(session: Session, outage_id: int, *, scope: Scope) -> Sequence[Any]:
    """Return the outages that became part of a wider one."""
    asked = _listed().where(Outage.merged_id == outage_id, _within(scope))
    return session.execute(asked.order_by(Outage.began_at, Outage.id).limit(POINTS_SHOWN)).all()


def member_condition(outage: Any) -> tuple[str, dict[str, Any]]:
    """Return the condition on point `p` (fed by device `d`) of the points behind an outage, and its values."""
    if outage.level == POINT:
        return "p.id = :subject", {"subject": outage.point_id}
    if outage.level == DEVICE:
        return "d.id = :subject", {"subject": outage.device_id}
    if outage.level == GATEWAY:
        return "d.gateway_id = :subject", {"subject": outage.device_id}
    return "p.enterprise_id = :subject", {"subject": outage.enterprise_id}


def members_of(session: Session, outage: Any) -> Sequence[Any]:
    """Return the points behind an outage with their newest data, the longest silent first."""
    condition, values = member_condition(outage)
    return session.execute(
        text(
            "select p.id, p.src_code, p.name, p.object_code, p.measure, p.period_s, l.ts, d.id as device_id,"
            " d.src_code as device_code from point p left join device_point f on f.point_id = p.id"
            " left join device d on d.id = f.device_id left join latest l on l.point_id = p.id"
            f" where p.status in (2, 3) and {condition} order by l.ts nulls first, p.id limit {POINTS_SHOWN}"
        ),
        values,
    ).all()


def users_behind(session: Session, outage: Any) -> tuple[int, int]:
    """Return users and households supplied by the regulators that cannot be seen."""
    condition, values = member_condition(outage)
    row = session.execute(
        text(
            "select count(*) as users, coalesce(sum(u.households), 0) as households from gas_user u"
            " where u.status <> 4 and u.regulator_id in (select p.object_id from point p"
            " left join device_point f on f.point_id = p.id left join device d on d.id = f.device_id"
            f" where p.object_type = 'regulator' and p.status in (2, 3) and {condition})"
        ),
        values,
    ).one()
    return int(row.users), int(row.households)


def place_of(session: Session, outage: Any) -> tuple[float, float] | None:
    """Return where an outage lies: its device or point, None for a whole enterprise."""
    if outage.level == LINK or (outage.point_id is None and outage.device_id is None):
        return None
    named = point_named(session, outage.point_id) if outage.point_id else device_named(session, outage.device_id)
    return named.lon_lat


def time_without_data(session: Session, scope: Scope, begin: datetime, end: datetime) -> Sequence[Any]:
    """Return by enterprise: outages, link seconds down, point seconds lost, points, and both shares of the time."""
    return session.execute(
        load_sql(HERE, "time_without_data"),
        {
            "begin": begin, "end": end, "all": scope.whole_city, "enterprises": sorted(scope.enterprise_ids),
            "districts": sorted(scope.adcodes),
        },
    ).all()  # fmt: skip


def gaps_to_check(session: Session, now: datetime, limit: int = 20) -> Sequence[Outage]:
    """Return ended outages of the last week whose gap may have been filled since the last look."""
    return session.scalars(
        select(Outage)
        .where(
            Outage.ended_at > now - FILLS_WITHIN,
            Outage.filled_at.is_(None),
            Outage.outcome.in_(("recovered", "split")),
            Outage.lost > 0,
            Outage.checked_at < now - LOOK_AGAIN,
        )
        .order_by(Outage.checked_at)
        .limit(limit)
    ).all()


def open_tree(session: Session, *, scope: Scope) -> Sequence[Any]:
    """Return the open outages with the device and gateway they lie behind, by enterprise, widest first."""
    device, gateway, feed = aliased(Device), aliased(Device), aliased(DevicePoint)
    asked = (
        _listed()
        .outerjoin(feed, feed.point_id == Outage.point_id)
        .outerjoin(device, device.id == func.coalesce(Outage.device_id, feed.device_id))
        .outerjoin(gateway, gateway.id == device.gateway_id)
        .add_columns(
            case((Outage.level < GATEWAY, device.src_code)).label("device_code"),
            case((Outage.level == GATEWAY, device.src_code), else_=gateway.src_code).label("gateway_code"),
        )
        .where(Outage.ended_at.is_(None), _within(scope))
    )
    return session.execute(asked.order_by(Enterprise.short_name, Outage.level.desc(), Outage.subject).limit(500)).all()
