"""Reads of meters, always within a scope: lists, one meter, its readings backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import equals
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.operation.devices.finding import PAGE_ROWS, NumberPage, numbers_beginning, page_by_number
from portal.operation.meters.models import GasMeter

HERE = str(Path(__file__).parent)
COUNT_MOST, EXPORT_MOST, READINGS_MOST = 10_000, 50_000, 60
BIGGEST_ID = 2**31 - 1
REMOVED, SHUT = 7, 0
WARN = timedelta(days=90)


@dataclass(frozen=True)
class MeterFilter:
    """What a list of meters is narrowed to; `due` is overdue or soon."""

    kind: int | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    valve_state: int | None = None
    due: str = ""
    words: str = ""


def _listed() -> Select[Any]:
    columns = [column for column in GasMeter.__table__.columns if column.name not in ("valid_from", "valid_to")]
    return select(*columns)


def _narrowed(wanted: MeterFilter, scope: Scope, today: date) -> list[Any]:
    parts = [in_scope(scope, GasMeter.enterprise_id, GasMeter.adcode)]
    parts += equals(
        {
            GasMeter.kind: wanted.kind, GasMeter.enterprise_id: wanted.enterprise_id, GasMeter.adcode: wanted.adcode,
            GasMeter.valve_state: wanted.valve_state,
        }
    )  # fmt: skip
    if wanted.valve_state is not None and wanted.valve_state != 1:
        parts.append(GasMeter.valve_state != 1)  # names the partial index
    if wanted.due:
        parts.append(GasMeter.status < REMOVED)
    if wanted.due == "overdue":
        parts.append(GasMeter.expires_on < today)
    elif wanted.due == "soon":
        parts.append(GasMeter.expires_on.between(today, today + WARN))
    return parts


def meters_page(
    session: Session, wanted: MeterFilter, *, place: tuple[int, bool], scope: Scope, today: date
) -> NumberPage:
    """Return one page of meters by number; words find by the beginning of meter code or user number, one page."""
    asked = _listed().where(*_narrowed(wanted, scope, today))
    if wanted.words:
        numbers = numbers_beginning(session, "gas_meter", ("src_code", "user_no"), wanted.words, PAGE_ROWS)
        rows = session.execute(asked.where(GasMeter.id.in_(numbers)).order_by(GasMeter.src_code)).all()
        return NumberPage(rows, has_before=False, has_after=False)
    return page_by_number(session, asked, GasMeter.id, (min(place[0], BIGGEST_ID), place[1]))


def meters_listed(session: Session, wanted: MeterFilter, *, scope: Scope, today: date) -> Iterator[Any]:
    """Give the meters of a filter by number, up to the most an export holds."""
    asked = _listed().where(*_narrowed(wanted, scope, today))
    if wanted.words:
        numbers = numbers_beginning(session, "gas_meter", ("src_code", "user_no"), wanted.words, PAGE_ROWS)
        asked = asked.where(GasMeter.id.in_(numbers))
    yield from session.execute(asked.order_by(GasMeter.id).limit(EXPORT_MOST).execution_options(yield_per=1000))


def meter_counts(session: Session, scope: Scope, today: date) -> dict[str, int]:
    """Return how many meters are overdue, soon due and shut, each counted up to the most."""
    wanted = {
        "overdue": MeterFilter(due="overdue"), "soon": MeterFilter(due="soon"), "shut": MeterFilter(valve_state=SHUT),
    }  # fmt: skip
    found = {}
    for name, each in wanted.items():
        some = select(GasMeter.id).where(*_narrowed(each, scope, today)).limit(COUNT_MOST)
        found[name] = int(session.scalar(select(func.count()).select_from(some.subquery())) or 0)
    return found


def latest_counters(session: Session, meter_ids: Sequence[int]) -> dict[int, Any]:
    """Return the newest reading of some meters."""
    rows = session.execute(
        text("select meter_id, ts, value from meter_latest_seen where meter_id = any(:ids)"), {"ids": list(meter_ids)}
    )
    return {row.meter_id: row for row in rows}


def find_meter(session: Session, meter_id: int, *, scope: Scope) -> GasMeter:
    """Return one meter; raise NotFound outside the scope."""
    found = None
    if 0 < meter_id <= BIGGEST_ID:
        found = session.scalar(
            select(GasMeter).where(GasMeter.id == meter_id, in_scope(scope, GasMeter.enterprise_id, GasMeter.adcode))
        )
    if found is None:
        raise NotFound("gas_meter", meter_id=meter_id)
    return found


def readings_back(session: Session, meter_id: int, most: int = READINGS_MOST) -> Sequence[Any]:
    """Return the newest readings of a meter, the newest first, each found through the one after it."""
    return session.execute(load_sql(HERE, "readings_back"), {"meter": meter_id, "most": most}).all()


def user_of_meter(session: Session, enterprise_id: int, user_no: str | None) -> Any:
    """Return number and place of the user a meter measures; None when unknown."""
    if user_no is None:
        return None
    return session.execute(
        text(
            "select id, address, user_class, st_x(geom) as lon, st_y(geom) as lat from gas_user"
            " where enterprise_id = :e and src_code = :user"
        ),
        {"e": enterprise_id, "user": user_no},
    ).one_or_none()
