"""What the intake pages show: feeds by the hour and their silences, receipts and their findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.models import IntakeHour, Receipt, Rejection
from ingestion_adapters.quality.feed_rules import Hour, so_far, whole_hours
from ingestion_adapters.quality.models import FeedHour, FeedSilence, FeedState
from ingestion_adapters.receipts import PAGE_ROWS
from portal.accounts.models import Enterprise

HOURS_SHOWN = 24
ENTERPRISES_A_PAGE = 12
HOUR = timedelta(hours=1)
Counted = dict[tuple[int, str], dict[datetime, Any]]
# By the keys of both tables: the counters of years are never read through.
_SENDS = or_(
    select(FeedState.dataset).where(FeedState.enterprise_id == Enterprise.id).exists(),
    select(IntakeHour.dataset).where(IntakeHour.enterprise_id == Enterprise.id).exists(),
)
COUNTED = ("rows", "accepted", "duplicate", "rejected", "late", "refused")


@dataclass(frozen=True)
class FeedFilter:
    """Which feeds the monitor shows; `trouble` those that are silent, missing or refused."""

    enterprise_id: int | None = None
    dataset: str = ""
    trouble: bool = False
    after: str = ""


@dataclass(frozen=True)
class FeedLine:
    """One enterprise's feed of one dataset, with its last 24 hours."""

    enterprise_id: int
    enterprise: str
    state: FeedState
    hours: list[Hour] = field(default_factory=list)

    @property
    def dataset(self) -> str:
        """Return the dataset."""
        return self.state.dataset

    def sum(self, name: str) -> int:
        """Return a counter over the hours shown."""
        return int(sum(getattr(hour, name) or 0 for hour in self.hours))

    @property
    def expected(self) -> int | None:
        """Return the rows expected over the hours shown, None where no number is asked for."""
        parts = [hour.expected for hour in self.hours if hour.expected is not None]
        return round(sum(parts)) if parts else None

    @property
    def share(self) -> float | None:
        """Return what came of what was expected, percent."""
        parts = [(hour.share, hour.expected) for hour in self.hours if hour.share is not None]
        due = sum(expected or 0 for _, expected in parts)
        return 100 * sum((share or 0) * (expected or 0) for share, expected in parts) / due if due else None

    @property
    def trouble(self) -> bool:
        """Return whether somebody should look at it."""
        return self.state.state in ("silent", "never") or self.sum("rejected") > 0 or self.sum("refused") > 0


@dataclass(frozen=True)
class Monitor:
    """The lines of one page, the hours of its columns, and the enterprise after which the next page begins."""

    lines: list[FeedLine]
    hours: list[datetime]
    following: str = ""

    @property
    def checked_at(self) -> datetime | None:
        """Return when the job last looked at the feeds shown."""
        return max((line.state.checked_at for line in self.lines if line.state.checked_at), default=None)


def monitor(session: Session, wanted: FeedFilter, now: datetime) -> Monitor:
    """Return the feeds within the scope that came or should have come, by enterprise and dataset."""
    hours = whole_hours(now, HOURS_SHOWN)
    chosen = _enterprises(session, wanted)
    page = dict(chosen[:ENTERPRISES_A_PAGE])
    counted = _counted(session, list(page), hours[0])
    expected = _expected(session, list(page), hours[0])
    lines = []
    for state in _states(session, list(page), wanted.dataset, counted):
        key = (state.enterprise_id, state.dataset)
        mine = counted.get(key, {})
        if state.state == "events" and state.last_at is None and not mine:
            continue
        due = {hour: expected.get((*key, hour)) for hour in hours}
        if due[hours[-1]] is None and state.expected_an_hour is not None:
            due[hours[-1]] = round(state.expected_an_hour)  # the hour began after the job last looked
        cells = [_cell(hour, mine.get(hour), due[hour], now) for hour in hours]
        lines.append(FeedLine(state.enterprise_id, page[state.enterprise_id], state, cells))
    if wanted.trouble:
        lines = [line for line in lines if line.trouble]
    lines.sort(key=lambda line: (line.enterprise, line.dataset != "RT", line.dataset))
    more = len(chosen) > ENTERPRISES_A_PAGE
    return Monitor(lines, hours, chosen[ENTERPRISES_A_PAGE - 1][1] if more else "")


def _cell(hour: datetime, row: Any, expected: int | None, now: datetime) -> Hour:
    figures = {name: int(getattr(row, name)) for name in COUNTED} if row is not None else {}
    return Hour(hour, so_far(expected, hour, now), **figures)


def _enterprises(session: Session, wanted: FeedFilter) -> list[tuple[int, str]]:
    asked = select(Enterprise.id, Enterprise.short_name).where(_SENDS)
    if wanted.enterprise_id is not None:
        asked = asked.where(Enterprise.id == wanted.enterprise_id)
    if wanted.after:
        asked = asked.where(Enterprise.short_name > wanted.after)
    rows = session.execute(asked.order_by(Enterprise.short_name).limit(ENTERPRISES_A_PAGE + 1))
    return [(number, name) for number, name in rows]


def _states(
    session: Session, enterprises: list[int], dataset: str, counted: Counted
) -> list[FeedState]:
    asked = select(FeedState).where(FeedState.enterprise_id.in_(enterprises))
    found = {(row.enterprise_id, row.dataset): row for row in session.scalars(asked)}
    for key, hours in counted.items():
        last_at = max(row.last_at for row in hours.values())
        # A feed's first batch is seen before the job looks at it.
        found.setdefault(key, FeedState(enterprise_id=key[0], dataset=key[1], state="events", last_at=last_at, since=last_at))
    return [row for row in found.values() if not dataset or row.dataset == dataset]


def _of(table: Any, enterprises: list[int], since: datetime) -> list[ColumnElement[bool]]:
    """Return the condition in the order of the tables' keys, so that years of hours are skipped."""
    return [table.enterprise_id.in_(enterprises), table.dataset.in_(list(DATASETS)), table.hour >= since]


def _counted(session: Session, enterprises: list[int], since: datetime) -> Counted:
    found: Counted = {}
    asked = select(IntakeHour).where(*_of(IntakeHour, enterprises, since))
    for row in session.scalars(asked):
        found.setdefault((row.enterprise_id, row.dataset), {})[row.hour] = row
    return found


def _expected(session: Session, enterprises: list[int], since: datetime) -> dict[tuple[int, str, datetime], int]:
    asked = select(FeedHour).where(*_of(FeedHour, enterprises, since))
    return {(row.enterprise_id, row.dataset, row.hour): row.expected for row in session.scalars(asked)}


def silences(session: Session, now: datetime, days: int = 7) -> list[tuple[FeedSilence, str]]:
    """Return the silences that last, and those of the last days, newest first."""
    asked = (
        select(FeedSilence, Enterprise.short_name)
        .join(Enterprise, Enterprise.id == FeedSilence.enterprise_id)
        .where(or_(FeedSilence.ended_at.is_(None), FeedSilence.noticed_at >= now - timedelta(days=days)))
        .order_by(FeedSilence.ended_at.is_not(None), FeedSilence.noticed_at.desc())
        .limit(50)
    )
    return [(row, name) for row, name in session.execute(asked)]


@dataclass(frozen=True)
class ReceiptFilter:
    """Which receipts the page lists; `hour` is the begin of an hour of receipt."""

    enterprise_id: int | None = None
    dataset: str = ""
    trouble: bool = False
    before: int = 0
    hour: datetime | None = None


def receipts_listed(session: Session, wanted: ReceiptFilter) -> list[Any]:
    """Return receipts with their enterprise's short name, newest first, and one more when others follow."""
    query = select(Receipt, Enterprise.short_name).join(Enterprise, Enterprise.id == Receipt.enterprise_id)
    if wanted.enterprise_id is not None:
        query = query.where(Receipt.enterprise_id == wanted.enterprise_id)
    if wanted.dataset:
        query = query.where(Receipt.dataset == wanted.dataset)
    if wanted.trouble:
        query = query.where((Receipt.rejected > 0) | (Receipt.status == "refused"))
    if wanted.hour is not None:
        query = query.where(Receipt.received_at >= wanted.hour, Receipt.received_at < wanted.hour + HOUR)
    if wanted.before:
        query = query.where(Receipt.id < wanted.before)
    return list(session.execute(query.order_by(Receipt.id.desc()).limit(PAGE_ROWS + 1)))


def senders(session: Session) -> list[tuple[int, str]]:
    """Return the enterprises within the scope that send or should, for the filter."""
    wanted = select(Enterprise.id, Enterprise.short_name).where(_SENDS)
    return [(number, name) for number, name in session.execute(wanted.order_by(Enterprise.short_name))]


def sender_name(session: Session, enterprise_id: int) -> str:
    """Return an enterprise's name."""
    return session.scalar(select(Enterprise.name).where(Enterprise.id == enterprise_id)) or ""


def findings_by_code(session: Session, receipt_id: int) -> list[tuple[str, str, int]]:
    """Return code, severity and number of a receipt's findings, most frequent first."""
    number = func.count()
    wanted = (
        select(Rejection.code, Rejection.severity, number)
        .where(Rejection.receipt_id == receipt_id)
        .group_by(Rejection.code, Rejection.severity)
        .order_by(number.desc())
    )
    return [(code, severity, int(found)) for code, severity, found in session.execute(wanted)]
