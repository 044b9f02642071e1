"""Reads of works sites: people and machines at work, and sites near an object of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.safety.works.models import WorksOperation, WorksSite
from portal.safety.works.rules import ENDED

OPERATIONS_MOST = 500
NEAR_MOST = 20
METRES_A_DEGREE = 111_000.0
# The box is taken first, so that the index of the sites serves; the distance is true metres.
_NEAR = """
select s.id, st_distance(s.geom::geography, o.geom::geography) as distance_m
from works_site s, {table} o
where o.id = :id and s.geom && st_expand(o.geom, :box_deg)
  and st_dwithin(s.geom::geography, o.geom::geography, :near_m)
order by 2 limit :most
"""


def operations_of(session: Session, enterprise_id: int, site_no: str) -> Sequence[WorksOperation]:
    """Return the people and machines listed at work on a site, newest first."""
    wanted = select(WorksOperation).where(
        WorksOperation.enterprise_id == enterprise_id,
        WorksOperation.site_no == site_no,
        WorksOperation.listed.is_(True),
    )
    return session.scalars(wanted.order_by(WorksOperation.begun_at.desc()).limit(OPERATIONS_MOST)).all()


def sites_near(session: Session, scope: Scope, table: str, object_id: int, near_m: float) -> list[tuple[Any, float]]:
    """Return the works in progress within metres of an object of a table, nearest first, with their distance in metres."""
    given = {
        "id": object_id,
        "near_m": near_m,
        "most": NEAR_MOST,
        # A degree of longitude is shorter than one of latitude: twice the width covers every city of the country.
        "box_deg": 2 * near_m / METRES_A_DEGREE,
    }
    metres = {row.id: float(row.distance_m) for row in session.execute(text(_NEAR.format(table=table)), given)}
    wanted = select(WorksSite).where(
        WorksSite.id.in_(metres),
        WorksSite.status.not_in(ENDED),
        in_scope(scope, WorksSite.enterprise_id, WorksSite.adcode),
    )
    return sorted(((site, metres[site.id]) for site in session.scalars(wanted)), key=lambda pair: pair[1])
