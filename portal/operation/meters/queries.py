"""Reads of meters, always within a scope: lists, one meter, its readings backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select, text, tuple_
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.db import call
from portal.core.errors import NotFound
from portal.core.paging import equals
from portal.core.scoping import in_scope
from portal.operation.devices.finding import LAST_SIGN, PAGE_ROWS, NumberPage
from portal.operation.meters.models import BLOCK, GasMeter
from portal.operation.meters.wire import DAY_MS, Blocks, blocks_from, copied_out, int_array, places_from

COUNT_MOST, EXPORT_MOST, READINGS_MOST = 10_000, 50_000, 60
BIGGEST_ID = 2**31 - 1
FIRST_DAY, MOST_DAYS = date(1900, 1, 1), 2_000_000
REMOVED, SHUT = 7, 0
WARN = timedelta(days=90)
LOOK_BACK_DAYS = (70, 800, 40_000)
# So many meters a block make it cheaper to read and write it whole (measured: an array of 64 costs 10 µs each way).
WHOLE_FROM = 12
_STORED = np.dtype([("n", ">i2"), ("l0", ">i4"), ("meter", ">i4"), ("l1", ">i4"), ("ms", ">i8")])


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
    """Return one page of meters; words find by the beginning of meter code or user number, one page.

    In the order of numbers, or of the date of replacement where that narrows the list: no page reads beyond an index.
    """
    asked = _listed().where(*_narrowed(wanted, scope, today))
    if wanted.words:
        numbers = meters_beginning(session, wanted.words, scope)
        rows = session.execute(asked.where(GasMeter.id.in_(numbers)).order_by(GasMeter.src_code)).all()
        return NumberPage(rows, has_before=False, has_after=False)
    at, backward = place
    order = [column.desc() if backward else column for column in _order(wanted)]
    some = select(GasMeter.id).where(*_narrowed(wanted, scope, today), *_beyond(wanted, at, backward))
    numbers = list(session.scalars(some.order_by(*order).limit(PAGE_ROWS + 1)))
    more, numbers = len(numbers) > PAGE_ROWS, numbers[:PAGE_ROWS]
    rows = session.execute(_listed().where(GasMeter.id.in_(numbers)).order_by(*_order(wanted))).all()
    if backward:
        return NumberPage(rows, has_before=more, has_after=True)
    return NumberPage(rows, has_before=at > 0, has_after=more)


def _order(wanted: MeterFilter) -> list[Any]:
    return [GasMeter.expires_on, GasMeter.id] if wanted.due else [GasMeter.id]


def _beyond(wanted: MeterFilter, at: int, backward: bool) -> list[Any]:
    """Return the condition of what lies beyond a place; by date the place holds the day before the number."""
    days, number = divmod(at, BIGGEST_ID + 1) if wanted.due else (0, min(at, BIGGEST_ID))
    if not wanted.due:
        return [GasMeter.id < number if backward else GasMeter.id > number]
    if not at:
        return []
    marks = tuple_(GasMeter.expires_on, GasMeter.id)
    here = (FIRST_DAY + timedelta(days=min(days, MOST_DAYS)), number)
    return [marks < here if backward else marks > here]


def place_of(wanted: MeterFilter, row: Any) -> int:
    """Return the place of a meter in a list: its number, by date behind the day."""
    if not wanted.due:
        return int(row.id)
    return int((row.expires_on - FIRST_DAY).days * (BIGGEST_ID + 1) + row.id)


def meters_beginning(session: Session, words: str, scope: Scope, most: int = PAGE_ROWS) -> list[int]:
    """Return the meters whose code or user number is or begins with the words as they stand, in capitals or small.

    Walks the index of each enterprise in scope and stops when it has enough: what others call alike costs nothing.
    """
    owners = sorted(scope.enterprise_ids) if scope.enterprise_ids and not scope.whole_city and not scope.adcodes else None
    if owners is None:
        owners = list(session.scalars(select(Enterprise.id)))
    parts, values = [], {"owners": owners, "most": most}
    for place, variant in enumerate(dict.fromkeys((words, words.upper(), words.lower()))):
        values |= {f"low{place}": variant, f"high{place}": variant + LAST_SIGN}
        parts += [
            f"(select m.id, {rank} as rank, m.{column} as found from gas_meter m where m.enterprise_id = o.id"
            f" and m.{column} ~>=~ :low{place} and m.{column} ~<~ :high{place} order by m.{column} using ~<~ limit :most)"
            for rank, column in enumerate(("src_code", "user_no"))
        ]
    rows = session.execute(
        text(
            f"select f.id from unnest(cast(:owners as int[])) as o (id) cross join lateral ({' union all '.join(parts)}) f"
            " order by f.rank, f.found limit :most"
        ),
        values,
    )
    return list(dict.fromkeys(row.id for row in rows))


def meters_listed(session: Session, wanted: MeterFilter, *, scope: Scope, today: date) -> Iterator[Any]:
    """Give the meters of a filter in its order, up to the most an export holds."""
    asked = _listed().where(*_narrowed(wanted, scope, today))
    if wanted.words:
        asked = asked.where(GasMeter.id.in_(meters_beginning(session, wanted.words, scope)))
    yield from session.execute(asked.order_by(*_order(wanted)).limit(EXPORT_MOST).execution_options(yield_per=1000))


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
    """Return the newest readings of a meter, the newest first; months further back are opened only while some lack."""
    newest = latest_counters(session, [meter_id]).get(meter_id)
    if newest is None:
        return []
    to_day = newest.ts.astimezone(UTC).date()
    rows: Sequence[Any] = []
    for days in LOOK_BACK_DAYS:
        rows = session.execute(
            text("select * from meter_readings_of(:meter, :from_day, :to_day) order by ts desc limit :most"),
            {"meter": meter_id, "from_day": to_day - timedelta(days=days), "to_day": to_day, "most": most},
        ).all()
        if len(rows) >= most:
            break
    return rows


def newest_counters(session: Session, meter_ids: NDArray[np.int64]) -> Blocks:
    """Return the newest counters of meters, given in rising order; their blocks stay locked until the transaction ends.

    Whole blocks where most of their meters are asked for, single places where meters come from everywhere.
    """
    blocks = np.unique(meter_ids // BLOCK)
    with closing(session.connection().connection.cursor()) as cursor:
        if meter_ids.size >= WHOLE_FROM * blocks.size:
            return blocks_from(
                cursor,
                "select block, ms, value, coalesce(qmax_least, 'infinity') from meter_block"
                f" where block = any ({int_array(blocks)}) order by block for update",
            )
        with by_index(session):
            return places_from(
                cursor,
                "select b.block, u.place, b.ms[u.place + 1], b.value[u.place + 1], coalesce(b.qmax_least, 'infinity')"
                f" from unnest({int_array(meter_ids // BLOCK)}::int[], {int_array(meter_ids % BLOCK)}::int[]) as u (block, place)"
                " join meter_block b on b.block = u.block order by b.block, u.place for update of b",
            )


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """Have the rows of a join looked up one by one: without statistics the planner would rather read them all."""
    call(session, "select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)", ())
    yield
    call(session, "select set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)", ())


def known_readings(session: Session, meter_id: NDArray[np.int64], ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which readings are stored already."""
    known, days = np.zeros(ms.size, bool), ms // DAY_MS
    with closing(session.connection().connection.cursor()) as cursor:
        for day in np.unique(days).tolist():
            asked = np.flatnonzero(days == day)
            stored = copied_out(
                cursor,
                f"select b.block * {BLOCK} + coalesce(u.place, u.n::int - 1), b.begin_ms + coalesce(u.at, 0)"
                " from meter_reading_block b cross join lateral rows from (unnest(b.value), unnest(b.places), unnest(b.at))"
                f" with ordinality as u (value, place, at, n) where b.day = date '1970-01-01' + {day}"
                f" and b.block = any ({int_array(np.unique(meter_id[asked] // BLOCK))})",
                _STORED,
            )
            keys = _keys(stored["meter"].astype(np.int64), stored["ms"].astype(np.int64) - day * DAY_MS)
            known[asked] = np.isin(_keys(meter_id[asked], ms[asked] - day * DAY_MS), keys)
    return known


def _keys(meter_id: NDArray[np.int64], ms_of_day: NDArray[np.int64]) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = meter_id * DAY_MS + ms_of_day
    return keys


def loose_days(session: Session, before: date) -> Sequence[date]:
    """Return the days before a date that got readings since they were packed, the oldest first."""
    return session.scalars(
        text("select day from meter_day where loose and day < :before order by day"), {"before": before}
    ).all()


def retired_months(session: Session) -> Sequence[date]:
    """Return the months of meter readings that were retired."""
    return session.scalars(text("select month from meter_month")).all()


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
