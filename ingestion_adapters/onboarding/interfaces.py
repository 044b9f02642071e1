"""Versions of the interfaces: announcing a retirement, who is told, who has read it, and who still uses the version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from ingestion_adapters.onboarding.models import InterfaceNotice, InterfaceNoticeRead, InterfaceVersion
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.clock import day_bounds, local
from portal.core.errors import Conflict, Invalid, NotFound

AHEAD_DAYS = 30
USED_WITHIN = timedelta(days=30)
_USERS = """
select e.id, e.name,
  (select max(r.received_at) from receipt r
   where r.enterprise_id = e.id and r.door in ('http', 'mqtt', 'drop', 'pull') and r.received_at > :since) as last_at,
  (select count(*) from receipt r
   where r.enterprise_id = e.id and r.door in ('http', 'mqtt', 'drop', 'pull') and r.received_at > :since) as batches
from enterprise e order by e.id
"""


@dataclass(frozen=True)
class Notice:
    """A retirement in force as programs and pages are told of it."""

    id: int
    version: str
    retires_on: date
    announced_at: datetime
    words_zh: str
    words_en: str
    successor: str | None

    def ends_at(self) -> datetime:
        """Return the end of the last day of service."""
        return day_bounds(self.retires_on)[1]


@dataclass(frozen=True)
class Announcement:
    """What an administrator announces."""

    retires_on: date
    words_zh: str
    words_en: str
    successor: str | None = None


def versions(session: Session) -> list[InterfaceVersion]:
    """Return every version of the interfaces."""
    return list(session.scalars(select(InterfaceVersion).order_by(InterfaceVersion.version)))


def version_named(session: Session, version: str, *, lock: bool = False) -> InterfaceVersion:
    """Return one version, locked when asked; raise NotFound."""
    wanted = select(InterfaceVersion).where(InterfaceVersion.version == version)
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("interface", version=version)
    return found


def notice_of(session: Session, version: str) -> Notice | None:
    """Return the retirement announced for a version, None when there is none."""
    wanted = (
        select(InterfaceNotice)
        .join(InterfaceVersion, InterfaceVersion.notice_id == InterfaceNotice.id)
        .where(InterfaceVersion.version == version, InterfaceVersion.state != "current")
    )
    found = session.scalar(wanted)
    if found is None or found.retires_on is None:
        return None
    return Notice(
        found.id,
        found.version,
        found.retires_on,
        found.announced_at,
        found.words_zh,
        found.words_en,
        found.successor,
    )


def notices_of(session: Session, version: str) -> list[InterfaceNotice]:
    """Return everything announced about a version, newest first."""
    wanted = select(InterfaceNotice).where(InterfaceNotice.version == version)
    return list(session.scalars(wanted.order_by(InterfaceNotice.id.desc()).limit(50)))


def announce_retirement(
    session: Session, version: str, given: Announcement, *, now: datetime, actor: Actor
) -> InterfaceNotice:
    """Announce that a version will be retired; raise Invalid when that is too soon or a text is missing."""
    row = version_named(session, version, lock=True)
    ahead = session.scalar(text("select value from parameter where key = 'interface.notice_days'"))
    first = local(now).date() + timedelta(days=int(ahead if ahead is not None else AHEAD_DAYS))
    if given.retires_on < first:
        raise Invalid("interface_notice_early", first=first.isoformat())
    if not given.words_zh.strip() or not given.words_en.strip():
        raise Invalid("interface_notice_words")
    made = _noted(session, version, given.retires_on, given, now=now, actor=actor)
    row.state, row.retires_on, row.successor, row.notice_id = "retiring", given.retires_on, given.successor, made.id
    session.flush()
    _audit(session, "interface.announce", row, actor)
    return made


def take_back_retirement(session: Session, version: str, given: Announcement, *, now: datetime, actor: Actor) -> None:
    """Take an announcement back; raise Conflict when the version is not being retired."""
    row = version_named(session, version, lock=True)
    if row.state != "retiring":
        raise Conflict("interface_not_retiring", version=version)
    if not given.words_zh.strip() or not given.words_en.strip():
        raise Invalid("interface_notice_words")
    made = _noted(session, version, None, given, now=now, actor=actor)
    row.state, row.retires_on, row.successor, row.notice_id = "current", None, None, made.id
    session.flush()
    _audit(session, "interface.take_back", row, actor)


def _noted(
    session: Session, version: str, retires_on: date | None, given: Announcement, *, now: datetime, actor: Actor
) -> InterfaceNotice:
    made = InterfaceNotice(
        version=version,
        retires_on=retires_on,
        words_zh=given.words_zh.strip()[:1000],
        words_en=given.words_en.strip()[:1000],
        successor=given.successor,
        announced_by=actor.shown_name,
        announced_at=now,
    )
    session.add(made)
    session.flush()
    return made


def _audit(session: Session, action: str, row: InterfaceVersion, actor: Actor) -> None:
    after: dict[str, Any] = {"state": row.state, "retires_on": row.retires_on and row.retires_on.isoformat()}
    record(session, actor, action, object_type="interface_version", object_id=row.version, after=after)


def note_read(
    session: Session, notice_id: int, *, kind: str, reader: str, enterprise_id: int | None, now: datetime
) -> None:
    """Note once that a person has read a notice, or that a program was told in its answers."""
    if session.scalar(select(InterfaceNotice.id).where(InterfaceNotice.id == min(notice_id, 2**31 - 1))) is None:
        raise NotFound("interface")
    values = {"notice_id": notice_id, "kind": kind, "reader": reader, "enterprise_id": enterprise_id, "at": now}
    # Neither a column of the conflict nor the row is named: not everybody who may write a row may see it.
    session.execute(upsert(InterfaceNoticeRead).values(**values).inline().on_conflict_do_nothing())


def has_read(session: Session, notice_id: int, reader: str) -> bool:
    """Return whether a person has confirmed a notice."""
    return bool(session.scalar(select(func.notice_read_by(notice_id, reader))))


def regulators_read(session: Session, notice_id: int) -> int:
    """Return how many people of no enterprise have confirmed a notice; who they are only the city sees."""
    return int(session.scalar(select(func.notice_regulators(notice_id))) or 0)


def regulators_named(session: Session, notice_id: int) -> list[InterfaceNoticeRead]:
    """Return who of no enterprise has confirmed a notice, as far as the scope shows it."""
    wanted = select(InterfaceNoticeRead).where(
        InterfaceNoticeRead.notice_id == notice_id, InterfaceNoticeRead.enterprise_id.is_(None)
    )
    return list(session.scalars(wanted.order_by(InterfaceNoticeRead.at)))


@dataclass(frozen=True)
class UserLine:
    """An enterprise, whether it still uses a version, and who of it knows of the notice."""

    enterprise_id: int
    name: str
    last_at: datetime | None
    batches: int
    people: Sequence[InterfaceNoticeRead]
    programs: Sequence[InterfaceNoticeRead]


def users_of(session: Session, notice_id: int | None, now: datetime) -> list[UserLine]:
    """Return every enterprise in scope with its use in the last 30 days and who has read the notice."""
    reads = []
    if notice_id is not None:
        wanted = select(InterfaceNoticeRead).where(InterfaceNoticeRead.notice_id == notice_id)
        reads = list(session.scalars(wanted.order_by(InterfaceNoticeRead.at)))
    lines = []
    for row in session.execute(text(_USERS), {"since": now - USED_WITHIN}):
        mine = [each for each in reads if each.enterprise_id == row.id]
        people = [each for each in mine if each.kind == "person"]
        programs = [each for each in mine if each.kind == "program"]
        lines.append(UserLine(row.id, row.name, row.last_at, row.batches, people, programs))
    return lines
