"""Reads of findings between enterprises, only of those the caller's scope has a part in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from gis.borders.models import BorderFinding, BorderRun, BorderStep
from gis.borders.queries import party_to
from gis.network.queries import BIGGEST_ID
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import contains
from portal.network.borders.forms import GONE, Filter

PAGE_ROWS = 25
EXPORT_MOST = 20_000
_LON, _LAT = func.ST_X(BorderFinding.geom).label("lon"), func.ST_Y(BorderFinding.geom).label("lat")
_ORDERS: dict[str, tuple[Any, ...]] = {
    "score": (BorderFinding.score.desc(), BorderFinding.distance_m, BorderFinding.id),
    "distance": (BorderFinding.distance_m, BorderFinding.id),
    "newest": (BorderFinding.first_seen_at.desc(), BorderFinding.id.desc()),
    "overlap": (BorderFinding.overlap_m.desc(), BorderFinding.id),
}


def _listed(scope: Scope, wanted: Filter) -> Select[Any]:
    asked: Select[Any] = select(BorderFinding, _LON, _LAT).where(party_to(scope))
    if wanted.kind:
        asked = asked.where(BorderFinding.kind == wanted.kind)
    if wanted.state == GONE:
        asked = asked.where(BorderFinding.gone_at.is_not(None))
    elif wanted.state is not None:
        asked = asked.where(BorderFinding.state == wanted.state, BorderFinding.gone_at.is_(None))
    else:
        asked = asked.where(BorderFinding.gone_at.is_(None))
    if wanted.enterprise_id is not None:
        own = wanted.enterprise_id
        asked = asked.where(or_(BorderFinding.enterprise_a_id == own, BorderFinding.enterprise_b_id == own))
    if wanted.words:
        facts = [BorderFinding.facts[side][name].astext for side in "ab" for name in ("code", "pipe", "road")]
        asked = asked.where(contains(wanted.words, *facts))
    return asked


def findings_page(session: Session, scope: Scope, wanted: Filter) -> tuple[Sequence[Row[Any]], int]:
    """Return one page of findings in order and how many there are in all."""
    asked = _listed(scope, wanted)
    total = session.scalar(select(func.count()).select_from(asked.subquery())) or 0
    rows = session.execute(asked.order_by(*_ORDERS[wanted.order]).offset(wanted.offset).limit(PAGE_ROWS)).all()
    return rows, int(total)


def findings_listed(session: Session, scope: Scope, wanted: Filter) -> Sequence[Row[Any]]:
    """Return all findings of a filter for a file, up to 20,000."""
    return session.execute(_listed(scope, wanted).order_by(*_ORDERS[wanted.order]).limit(EXPORT_MOST)).all()


def counts_by_kind(session: Session, scope: Scope) -> dict[str, tuple[int, int]]:
    """Return for each kind how many findings are open and how many joined or dismissed."""
    rows = session.execute(
        select(
            BorderFinding.kind,
            func.count().filter(BorderFinding.state == 1),
            func.count().filter(BorderFinding.state != 1),
        )
        .where(party_to(scope), BorderFinding.gone_at.is_(None))
        .group_by(BorderFinding.kind)
    )
    return {kind: (int(still), int(done)) for kind, still, done in rows}


def find_finding(session: Session, finding_id: int, *, scope: Scope) -> Row[Any]:
    """Return one finding with its place; raise NotFound where the scope has no part in it."""
    asked = select(BorderFinding, _LON, _LAT).where(BorderFinding.id == finding_id, party_to(scope))
    found = session.execute(asked).one_or_none() if 0 < finding_id <= BIGGEST_ID else None
    if found is None:
        raise NotFound("border_finding")
    return found


def lock_finding(session: Session, finding_id: int, *, scope: Scope) -> BorderFinding:
    """Return one finding, locked until the transaction ends; raise NotFound where the scope has no part in it."""
    asked = select(BorderFinding).where(BorderFinding.id == finding_id, party_to(scope)).with_for_update()
    found = session.scalar(asked) if 0 < finding_id <= BIGGEST_ID else None
    if found is None:
        raise NotFound("border_finding")
    return found


def steps_of(session: Session, finding_id: int, *, scope: Scope) -> Sequence[BorderStep]:
    """Return what was said and decided of a finding, newest first."""
    asked = (
        select(BorderStep)
        .join(BorderFinding, BorderFinding.id == BorderStep.finding_id)
        .where(BorderStep.finding_id == finding_id, party_to(scope))
    )
    return session.scalars(asked.order_by(BorderStep.id.desc())).all()


def newest_run(session: Session) -> BorderRun | None:
    """Return the newest run of the matching, going or ended."""
    return session.scalar(select(BorderRun).order_by(BorderRun.id.desc()).limit(1))
