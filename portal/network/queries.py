"""Reads of handed-over plans and of the worst places, within the scope of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from gis.basemap.models import Road
from gis.crs import STORAGE_SRID
from gis.network.models import Pipe
from gis.network.queries import BIGGEST_ID, scope_filter
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.scoping import in_scope
from portal.emergency.incidents.models import Incident
from portal.emergency.incidents.rules import ENDED_FROM
from portal.events.models import SupervisionCase
from portal.events.rules import ENDED
from portal.jobs.models import Parameter
from portal.network.models import AtlasRow, ShutoffPlan, ValveProposal

SHOWN_MOST = 5
AROUND_MOST = 3_000
FIGURES = "network."


def network_figures(session: Session) -> dict[str, float]:
    """Return the adjustable figures of this feature by their names."""
    wanted = select(Parameter.key, Parameter.value).where(Parameter.key.startswith(FIGURES, autoescape=True))
    return {key.removeprefix(FIGURES): float(value) for key, value in session.execute(wanted)}


def find_plan(session: Session, plan_id: int, *, scope: Scope) -> ShutoffPlan:
    """Return a plan handed over; raise NotFound outside the scope."""
    wanted = select(ShutoffPlan).where(
        ShutoffPlan.id == plan_id, in_scope(scope, ShutoffPlan.enterprise_id, ShutoffPlan.adcode)
    )
    found = session.scalar(wanted) if 0 < plan_id <= BIGGEST_ID else None
    if found is None:
        raise NotFound("shutoff_plan")
    return found


def plans_of_object(session: Session, scope: Scope, layer: str, object_id: int) -> Sequence[Row[Any]]:
    """Return the newest plans handed over for an object, with number and state of their cases."""
    wanted = (
        select(ShutoffPlan.id, ShutoffPlan.made_at, ShutoffPlan.made_by, ShutoffPlan.question, ShutoffPlan.case_id,
               SupervisionCase.case_no, SupervisionCase.state)
        .join(SupervisionCase, SupervisionCase.id == ShutoffPlan.case_id)
        .where(
            ShutoffPlan.object_type == layer,
            ShutoffPlan.object_id == object_id,
            in_scope(scope, ShutoffPlan.enterprise_id, ShutoffPlan.adcode),
        )
    )  # fmt: skip
    return session.execute(wanted.order_by(ShutoffPlan.id.desc()).limit(SHOWN_MOST)).all()


def running_plan(session: Session, scope: Scope, layer: str, object_id: int) -> Row[Any] | None:
    """Return the newest plan of an object whose case is not ended."""
    return next((row for row in plans_of_object(session, scope, layer, object_id) if row.state not in ENDED), None)


def plan_of_case(session: Session, scope: Scope, case_id: int) -> int | None:
    """Return the number of the plan with which a case was opened."""
    wanted = select(ShutoffPlan.id).where(
        ShutoffPlan.case_id == case_id, in_scope(scope, ShutoffPlan.enterprise_id, ShutoffPlan.adcode)
    )
    return session.scalar(wanted)


def open_incident_no(session: Session, scope: Scope, layer: str, object_id: int) -> str | None:
    """Return the number of the newest incident at an object that has not ended."""
    wanted = select(Incident.record_no).where(
        Incident.object_type == layer,
        Incident.object_id == object_id,
        Incident.status < ENDED_FROM,
        in_scope(scope, Incident.enterprise_id, Incident.adcode),
    )
    return session.scalar(wanted.order_by(Incident.occurred_at.desc()).limit(1))


def atlas_rows(session: Session, scope: Scope, sort: str, most: int) -> Sequence[AtlasRow]:
    """Return the worst places within the scope, most users first."""
    wanted = select(AtlasRow).where(AtlasRow.sort == sort, in_scope(scope, AtlasRow.enterprise_id, AtlasRow.adcode))
    ordered = wanted.order_by(AtlasRow.users.desc(), AtlasRow.length_m.desc(), AtlasRow.id)
    return session.scalars(ordered.limit(most)).all()


def proposed_valves(session: Session, scope: Scope, most: int) -> list[Any]:
    """Return the valves proposed within the scope, those that keep gas for most users first, with their place."""
    wanted = select(ValveProposal, func.ST_X(ValveProposal.geom).label("lon"), func.ST_Y(ValveProposal.geom).label("lat"))
    kept = ValveProposal.users_before - ValveProposal.users_after
    seen = wanted.where(in_scope(scope, ValveProposal.enterprise_id, ValveProposal.adcode))
    return list(session.execute(seen.order_by(kept.desc(), ValveProposal.id).limit(most)))


def lines_around(session: Session, scope: Scope, box: tuple[float, float, float, float]) -> dict[str, list[str]]:
    """Return the pipes and roads in a box as GeoJSON, for the picture of a plan."""
    envelope = func.ST_MakeEnvelope(*box, STORAGE_SRID)
    pipes = select(func.ST_AsGeoJSON(Pipe.geom, 6)).where(Pipe.geom.op("&&")(envelope), scope_filter(Pipe, scope))
    roads = select(func.ST_AsGeoJSON(Road.geom, 6)).where(Road.geom.op("&&")(envelope)).order_by(Road.road_class)
    return {
        "pipe": list(session.scalars(pipes.order_by(Pipe.pressure_class, Pipe.id).limit(AROUND_MOST))),
        "road": list(session.scalars(roads.limit(AROUND_MOST))),
    }
