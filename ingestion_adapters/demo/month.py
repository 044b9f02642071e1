"""The demo's past month: readings by the day, the alarms they raise, and what the duty officers did about them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ingestion_adapters.demo.filed_load import sent_batches
from ingestion_adapters.demo.history import Block, history_blocks, history_window
from ingestion_adapters.demo.identity import ENTERPRISES, DemoEnterprise
from ingestion_adapters.demo.ledger import begin_ledger, declare_loaded, ledger_path, lost_batch
from ingestion_adapters.demo.points import POINTS_A_TILE, first_index, point_codes
from ingestion_adapters.demo.roster import finish_alarms
from ingestion_adapters.models import IntakeHour, Receipt
from portal.accounts.models import User
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.crypto import sm3_hex
from portal.core.db import transaction
from portal.events.models import SupervisionCase
from portal.events.services import accept_case, close_case, dispatch_case, reply_to_case, verify_case
from portal.flows.alarm_intake import take_in_readings
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.services import acknowledge_alarm, judge_alarm
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.rollup import roll_up_span
from portal.operation.telemetry.services import delays_s, part_of, store_readings

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LEFT_OPEN_H = 5
FALSE_ALARM, TRUE_ALARM = 2, 1
LATE_S = 300


def load_month(settings: Settings, known: dict[str, int], now: datetime) -> None:
    """Store a month of readings through the same storage and limit check as live ones, on two cores."""
    begin, end = history_window(now)
    # Whole UTC days: two roll-ups must never meet in one hour.
    days = list(range(begin // DAY_MS * DAY_MS, end, DAY_MS))
    with transaction(settings, CITY, worker=True) as session:
        for day in days:
            session.execute(
                text("select ensure_reading_day(:day)"), {"day": datetime.fromtimestamp(day // 1000, UTC).date()}
            )
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        # The largest enterprise first, so that the two cores end together.
        list(pool.map(partial(_load_enterprise, settings, known, now), known))
        list(pool.map(partial(_roll_up_day, settings), days))
    for each in ENTERPRISES:
        with transaction(settings, CITY, worker=True) as session:
            _declare(session, settings, each, known[each.key], now)


def _declare(session: Session, settings: Settings, each: DemoEnterprise, enterprise_id: int, now: datetime) -> None:
    """Declare what an enterprise sent, the batch that got lost on its way among it."""
    numbered = sent_batches(session, enterprise_id, each, now=now, scale=settings.demo_scale)
    path = ledger_path(settings.data_dir / "demo", each.key)
    begin_ledger(path, lost_batch(each.key, numbered, now))
    declare_loaded(session, enterprise_id, path, now)


def _load_enterprise(settings: Settings, known: dict[str, int], now: datetime, key: str) -> None:
    with transaction(settings, CITY, worker=True) as session:
        numbers = _numbers(session, known[key], key, settings.demo_scale)
        officer = _officer(session)
    for block in history_blocks(now, scale=settings.demo_scale, owner=key):
        with transaction(settings, CITY, worker=True) as session:
            _take_day(session, known[key], block, numbers)
            end = datetime.fromtimestamp(int(block.t_ms.max()) / 1000, UTC)
            _work_off(session, known[key], officer, min(end, now - timedelta(hours=LEFT_OPEN_H)))


def _roll_up_day(settings: Settings, day_ms: int) -> None:
    """Make a day's hourly figures in one pass instead of one an hour."""
    begin = datetime.fromtimestamp(day_ms // 1000, UTC)
    span = {"begin": begin, "end": begin + timedelta(days=1)}
    with transaction(settings, CITY, worker=True) as session:
        roll_up_span(session, **span)
        session.execute(text("delete from rollup_due where hour >= :begin and hour < :end"), span)


def _numbers(session: Session, enterprise_id: int, key: str, scale: int) -> NDArray[np.int32]:
    """Return the portal's number of each of an enterprise's points, by its place in the city's row of points."""
    rows = session.execute(text("select src_code, id from point where enterprise_id = :id"), {"id": enterprise_id})
    by_code: dict[str, int] = dict(rows.all())  # type: ignore[arg-type]
    found = np.zeros(scale * POINTS_A_TILE, np.int32)
    for tile in range(scale):
        begin, codes = first_index(key, tile), point_codes(key, tile)
        found[begin : begin + len(codes)] = [by_code[code] for code in codes]
    return found


def _officer(session: Session) -> Actor:
    user = session.scalars(select(User).where(User.login == "dispatcher")).one()
    return Actor(kind="user", id=user.id, name=user.login, display_name=user.display_name, role=user.role, scope=CITY)


def _take_day(session: Session, enterprise_id: int, block: Block, numbers: NDArray[np.int32]) -> None:
    point_id, t_ms = numbers[block.point_index], block.t_ms
    if not point_id.size:
        return
    order = np.lexsort((t_ms, point_id))
    end = datetime.fromtimestamp(int(t_ms.max()) / 1000, UTC)
    # A larger city gives several blocks a day: its first point tells them apart.
    batch_id = f"demo-RT-{end:%Y%m%d%H%M}-{int(block.point_index.min())}"
    receipt = _receipt(session, enterprise_id, t_ms, end, batch_id)
    day = ReadingBlock(
        enterprise_id=enterprise_id,
        receipt_id=receipt.id,
        received_at=end,
        point_id=point_id[order],
        ts_ms=t_ms[order],
        value=block.value[order].astype(np.float64),
        quality=block.quality[order],
        flag=block.flag[order].astype(np.int16),
        known_delay_s=block.delay_s[order],
    )
    store_readings(session, day)
    _count_hours(session, enterprise_id, day)
    program = Actor(
        kind="program",
        id=None,
        name="demo",
        scope=Scope(enterprise_ids=frozenset({enterprise_id})),
        enterprise_id=enterprise_id,
    )
    hours = day.ts_ms // HOUR_MS
    for hour in np.unique(hours):
        moment = datetime.fromtimestamp((int(hour) + 1) * 3600, UTC)
        take_in_readings(session, part_of(day, hours == hour), now=moment, actor=program)


def _receipt(session: Session, enterprise_id: int, t_ms: NDArray[np.int64], end: datetime, batch_id: str) -> Receipt:
    receipt = Receipt(
        enterprise_id=enterprise_id,
        dataset="RT",
        batch_id=batch_id,
        door="demo",
        status="taken",
        body_sm3=sm3_hex(t_ms.tobytes()),
        body_bytes=int(t_ms.nbytes),
        rows=int(t_ms.size),
        accepted=int(t_ms.size),
        duplicate=0,
        rejected=0,
        app_id="demo",
        received_at=end,
    )
    session.add(receipt)
    session.flush()
    return receipt


def _count_hours(session: Session, enterprise_id: int, day: ReadingBlock) -> None:
    hours, place = np.unique(day.ts_ms // HOUR_MS, return_inverse=True)
    rows = np.bincount(place)
    late = np.bincount(place, weights=delays_s(day) > LATE_S)
    for hour, count, behind in zip(hours, rows, late, strict=True):
        begin = datetime.fromtimestamp(int(hour) * 3600, UTC)
        known = session.get(IntakeHour, (enterprise_id, "RT", begin))
        if known is None:
            known = IntakeHour(
                enterprise_id=enterprise_id, dataset="RT", hour=begin, batches=0, rows=0, accepted=0, late=0
            )
            session.add(known)
        known.batches += 1
        known.rows += int(count)
        known.accepted += int(count)
        known.late += int(behind)
        known.last_at = begin + timedelta(minutes=59)
    session.flush()


def _work_off(session: Session, enterprise_id: int, officer: Actor, until: datetime) -> None:
    """Let the duty officers of the past do their work: most alarms in time, some late, as people do."""
    waiting = session.scalars(
        select(AlarmNow).where(
            AlarmNow.enterprise_id == enterprise_id,
            AlarmNow.acknowledged_at.is_(None),
            AlarmNow.raised_at < until,
        )
    ).all()
    for alarm in waiting:
        pace = alarm.alarm_id * 2654435761 % 97
        seen = alarm.raised_at + timedelta(minutes=2 + pace * (0.25 if pace < 88 else 1.2))
        acknowledge_alarm(session, alarm.alarm_id, note="已电话核实，通知属地企业现场确认", now=seen, actor=officer)
        verdict = FALSE_ALARM if pace % 9 == 0 else TRUE_ALARM
        judged = seen + timedelta(minutes=6)
        judge_alarm(session, alarm.alarm_id, verdict, note="现场仪表复测", now=judged, actor=officer)
    finish_alarms(session, enterprise_id, officer, until)
    cases = session.scalars(
        select(SupervisionCase).where(
            SupervisionCase.enterprise_id == enterprise_id,
            SupervisionCase.closed_at.is_(None),
            SupervisionCase.opened_at < until,
        )
    ).all()
    for case in cases:
        _close(session, case, officer)


def _close(session: Session, case: SupervisionCase, officer: Actor) -> None:
    opened, limit = case.opened_at, case.due_at - case.opened_at
    pace = case.id * 2654435761 % 89
    enterprise = Actor(
        kind="program",
        id=None,
        name="demo",
        scope=Scope(enterprise_ids=frozenset({case.enterprise_id})),
        enterprise_id=case.enterprise_id,
    )
    done = opened + limit * (0.3 + pace / 130 if pace < 82 else 1.15)
    accept_case(session, case.id, note="", now=opened + limit * 0.05, actor=officer)
    dispatch_case(session, case.id, note="请立即到场核查并反馈处置结果", now=opened + limit * 0.08, actor=officer)
    reply_to_case(session, case.id, text="已到场处置，压力恢复正常，复测合格", now=done, actor=enterprise)
    verify_case(session, case.id, passed=True, note="反馈内容与监测曲线一致", now=done + limit * 0.02, actor=officer)
    close_case(session, case.id, finding="处置到位，予以结案", now=done + limit * 0.05, actor=officer)
