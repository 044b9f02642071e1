"""Seals over the ledgers: each covers every row whose transaction ended before a horizon, chained with SM3.

Writers never wait for the chain. A row belongs to exactly one seal, because a transaction below the
horizon has ended and one above it has not been counted, whatever order the numbers commit in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.audit.models import LedgerSeal
from portal.core.crypto import PROVIDER

LEDGERS = ("audit_entry", "alarm", "alarm_event", "receipt")
LOCK_CLASS = 727010
FETCH_ROWS = 5000
ALTERED, MISSING, INSERTED, SEAL = "altered", "missing", "inserted", "seal"


@dataclass(frozen=True)
class Broken:
    """The first place where a ledger is not what was written: kind altered, missing, inserted or seal."""

    kind: str
    row_id: int | None
    seal: int | None
    detail: str


@dataclass(frozen=True)
class Verdict:
    """What a check of one ledger found; `head` is the last seal's digest, to be compared with an outside copy."""

    ledger: str
    rows: int
    seals: int
    unsealed: int
    head: str
    first_broken: Broken | None = None

    @property
    def intact(self) -> bool:
        """Return whether nothing was altered, removed or slipped in."""
        return self.first_broken is None

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict for JSON."""
        return asdict(self) | {"intact": self.intact}


@dataclass(frozen=True)
class Seal:
    """One link as stored."""

    seq: int
    xid_from: int
    xid_to: int
    rows: int
    sm3: bytes


@dataclass(frozen=True)
class Row:
    """A ledger's row: its text as the database gives it, and the digest it carries."""

    id: int
    xid: int
    canonical: str
    sm3: bytes

    @property
    def fits(self) -> bool:
        """Return whether the digest belongs to the text."""
        return PROVIDER.sm3(self.canonical.encode()) == self.sm3


def seal_ledgers(session: Session, now: datetime) -> str:
    """Seal what is finished in every ledger; return how many rows were sealed. A job of each second."""
    counts = {ledger: seal(session, ledger) for ledger in LEDGERS}
    return ", ".join(f"{ledger} {rows}" for ledger, rows in counts.items() if rows) or "nothing new"


def seal(session: Session, ledger: str) -> int:
    """Chain the finished rows of one ledger; return how many, 0 when there are none or another sealer works."""
    place = _known(ledger)
    taken = text("select pg_try_advisory_xact_lock(:kind, :place)")
    if not session.scalar(taken, {"kind": LOCK_CLASS, "place": place}):
        return 0
    last = _last_seal(session, ledger)
    xid_from, previous = (last.xid_to, last.sm3) if last else (0, _genesis(ledger))
    horizon = int(session.scalar(text("select pg_snapshot_xmin(pg_current_snapshot())::text")) or 0)
    wanted = text(
        f"select row_sm3 from {ledger} where xid >= cast(cast(:low as text) as xid8) "
        "and xid < cast(cast(:high as text) as xid8) order by id"
    )
    found = session.execute(wanted, {"low": str(xid_from), "high": str(horizon)})
    digests = [bytes(row[0]) for row in found]
    if not digests:
        return 0
    seq = last.seq + 1 if last else 1
    session.add(
        LedgerSeal(
            ledger=ledger,
            seq=seq,
            xid_from=str(xid_from),
            xid_to=str(horizon),
            rows=len(digests),
            sm3=link(previous, seq, horizon, digests),
        )
    )
    session.flush()
    return len(digests)


def link(previous: bytes, seq: int, horizon: int, digests: Sequence[bytes]) -> bytes:
    """Return the digest of a seal: SM3(previous, seq, horizon, number of rows, their digests by id)."""
    figures = b"".join(figure.to_bytes(8, "big") for figure in (seq, horizon, len(digests)))
    return PROVIDER.sm3(previous + figures + b"".join(digests))


def verify(session: Session, ledger: str) -> Verdict:
    """Recompute every row's digest and the chain of one ledger; needs a session that sees every row."""
    _known(ledger)
    seals = _seals(session, ledger)
    return judge(ledger, seals, _rows(session, ledger))


def judge(ledger: str, seals: Sequence[Seal], rows: Iterator[Row]) -> Verdict:
    """Return the verdict over seals in order and rows by transaction; pure."""
    total, previous, xid_from = 0, _genesis(ledger), 0
    broken: Broken | None = None
    waiting = next(rows, None)
    last_id = 0
    for place, sealed in enumerate(seals, start=1):
        covered: list[Row] = []
        while waiting is not None and waiting.xid < sealed.xid_to:
            covered.append(waiting)
            waiting = next(rows, None)
        total += len(covered)
        covered.sort(key=lambda row: row.id)
        broken = broken or _break_in(sealed, covered, place=place, xid_from=xid_from, previous=previous, after=last_id)
        last_id = max([last_id, *(row.id for row in covered)])
        previous, xid_from = sealed.sm3, sealed.xid_to
    unsealed = 0
    while waiting is not None:
        total, unsealed = total + 1, unsealed + 1
        if broken is None and not waiting.fits:
            broken = Broken(ALTERED, waiting.id, None, "the row does not fit its digest")
        waiting = next(rows, None)
    head = seals[-1].sm3.hex() if seals else ""
    return Verdict(ledger, total, len(seals), unsealed, head, broken)


def _break_in(
    sealed: Seal, covered: list[Row], *, place: int, xid_from: int, previous: bytes, after: int
) -> Broken | None:
    if sealed.seq != place or sealed.xid_from != xid_from:
        return Broken(SEAL, None, place, "a seal is missing from the chain or was changed")
    changed = next((row for row in covered if not row.fits), None)
    if changed is not None:
        return Broken(ALTERED, changed.id, place, "the row does not fit its digest")
    if len(covered) < sealed.rows:
        return Broken(
            MISSING,
            _gap(covered, after),
            place,
            f"{sealed.rows - len(covered)} of {sealed.rows} rows are gone",
        )
    if len(covered) > sealed.rows:
        extra = len(covered) - sealed.rows
        return Broken(
            INSERTED,
            covered[-1].id,
            place,
            f"{extra} more than the {sealed.rows} rows that were sealed",
        )
    if link(previous, sealed.seq, sealed.xid_to, [row.sm3 for row in covered]) != sealed.sm3:
        first = covered[0].id if covered else None
        return Broken(
            ALTERED,
            first,
            place,
            f"one of the {sealed.rows} rows from here on was changed together with its digest",
        )
    return None


def _gap(covered: list[Row], after: int) -> int:
    """Return the first number not taken after the rows before; numbers a roll-back skipped count too."""
    taken = {row.id for row in covered}
    number = after + 1
    while number in taken:
        number += 1
    return number


def _known(ledger: str) -> int:
    return LEDGERS.index(ledger)


def _genesis(ledger: str) -> bytes:
    return PROVIDER.sm3(ledger.encode())


def _last_seal(session: Session, ledger: str) -> Seal | None:
    return next(iter(_seals(session, ledger, newest_only=True)), None)


def _seals(session: Session, ledger: str, newest_only: bool = False) -> list[Seal]:
    order = "desc limit 1" if newest_only else "asc"
    wanted = text(
        "select seq, xid_from::text::bigint, xid_to::text::bigint, rows, sm3 from ledger_seal "
        f"where ledger = :ledger order by seq {order}"
    )
    found = session.execute(wanted, {"ledger": ledger})
    return [Seal(seq, low, high, rows, bytes(sm3)) for seq, low, high, rows, sm3 in found]


def _rows(session: Session, ledger: str) -> Iterator[Row]:
    wanted = text(
        f"select t.id, t.xid::text::bigint, ledger_canonical(t), t.row_sm3 from {ledger} t order by t.xid, t.id"
    )
    found = session.execute(wanted, execution_options={"stream_results": True, "yield_per": FETCH_ROWS})
    for number, xid, canonical, sm3 in found:
        yield Row(number, xid, canonical, bytes(sm3))
