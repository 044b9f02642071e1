"""Reads for hydraulics: adjustable figures, what flow points show, kept scenarios, and what may be told of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ARRAY, BigInteger, Row, any_, func, literal, select, text, true
from sqlalchemy.orm import Session

from gis.hydraulics.demand import ClassDemand
from gis.hydraulics.gas import Gas
from gis.hydraulics.scenario import Measured
from gis.hydraulics.solver import Index
from gis.hydraulics.stored import Figures
from gis.network.models import GasUser, Node, Pipe, Regulator, Station, Valve
from gis.network.queries import BIGGEST_ID, scope_filter
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.scoping import in_scope
from portal.events.models import SupervisionCase
from portal.jobs.models import Parameter
from portal.network.hydraulics.models import HydraulicClass, HydraulicScenario
from portal.network.hydraulics.rules import FlowReading, Limits, measured_of

_FLOWS = """
select s.id, s.enterprise_id, s.kind, sum(l.value) filter (where l.ts > :since and l.quality in (192, 216)) as flow,
  count(*) filter (where l.ts is null or l.ts <= :since or l.quality not in (192, 216)) as missing, max(l.ts) as at
from point p join gas_station s on p.object_type = 'station' and p.object_id = s.id left join latest l on l.point_id = p.id
where p.measure = 2 and p.status in (2, 3) and s.status in (2, 3) and p.unit in ('m³/h', 'Nm³/h')
group by s.id, s.enterprise_id, s.kind
"""


@dataclass(frozen=True)
class Adjusted:
    """All adjustable figures of the calculation and of its judgement."""

    figures: Figures
    limits: Limits
    reading_age: timedelta


def adjusted_figures(session: Session) -> Adjusted:
    """Return the figures in force."""
    wanted = select(Parameter.key, Parameter.value).where(
        Parameter.key.startswith("hydraulics.", autoescape=True) | (Parameter.key == "network.gas_temperature_k")
    )
    known = {key.rpartition(".")[2]: float(value) for key, value in session.execute(wanted)}
    classes = {
        row.user_class: ClassDemand(row.user_class, row.daily_m3, row.per_household, tuple(row.hour_share))
        for row in session.scalars(select(HydraulicClass))
    }
    figures = Figures(
        gas=Gas(
            known["gas_density_kg_per_nm3"], known["gas_viscosity_m2_per_s"], known.get("gas_temperature_k", 288.15)
        ),
        roughness_steel_mm=known["roughness_steel_mm"],
        roughness_plastic_mm=known["roughness_plastic_mm"],
        local_loss_share=known["local_loss_share"],
        wall_share=known["wall_share"],
        classes=classes,
    )
    limits = Limits(
        velocity=known["velocity_most_m_per_s"], velocity_low=known["velocity_low_most_m_per_s"],
        floor_low=known["floor_low_kpa"], floor_medium_b=known["floor_medium_b_kpa"],
        floor_medium_a=known["floor_medium_a_kpa"], floor_sub_high=known["floor_sub_high_kpa"],
        floor_high=known["floor_high_kpa"],
    )  # fmt: skip
    return Adjusted(figures, limits, timedelta(hours=known["reading_age_h"]))


def measured_flows(session: Session, now: datetime, age: timedelta) -> Measured:
    """Return what flow points of stations show; the session must see all enterprises."""
    rows = session.execute(text(_FLOWS), {"since": now - age}).all()
    return measured_of([FlowReading(row.id, row.enterprise_id, row.kind, row.flow, row.missing) for row in rows])


def _among(model: Any, numbers: Index | Sequence[int], scope: Scope) -> Any:
    ids = np.asarray(numbers, np.int64).tolist()
    return (model.id == any_(literal(ids, ARRAY(BigInteger)))) & scope_filter(model, scope)


def pipes_told(session: Session, scope: Scope, numbers: Index | Sequence[int]) -> Sequence[Any]:
    """Return what a table tells of pipes, those within the scope."""
    columns = (
        Pipe.id, Pipe.src_code, Pipe.enterprise_id, Pipe.pressure_class, Pipe.road_name, Pipe.od_mm, Pipe.length_m,
        Pipe.material,
    )  # fmt: skip
    return session.execute(select(*columns).where(_among(Pipe, numbers, scope))).all()


def nodes_told(session: Session, scope: Scope, numbers: Index | Sequence[int]) -> Sequence[Any]:
    """Return what a table tells of nodes, those within the scope."""
    columns = (
        Node.id, Node.src_code, Node.name, Node.enterprise_id, Node.kind,
        func.ST_X(Node.geom).label("lon"), func.ST_Y(Node.geom).label("lat"),
    )  # fmt: skip
    return session.execute(select(*columns).where(_among(Node, numbers, scope))).all()


def visible_ids(session: Session, scope: Scope, kind: str, numbers: Index) -> Index:
    """Return which of some pipes, nodes or users lie within the scope."""
    if scope.whole_city or not len(numbers):
        return numbers
    model: Any = {"pipe": Pipe, "node": Node, "user": GasUser}[kind]
    found = session.scalars(select(model.id).where(scope_filter(model, scope))).all()
    return numbers[np.isin(numbers, np.asarray(found, np.int64))]


def lines_of_pipes(session: Session, scope: Scope, numbers: Index, simpler_deg: float) -> Sequence[Any]:
    """Return number, code, class and GeoJSON of pipes from start to end, those within the scope."""
    geom: Any = func.ST_Simplify(Pipe.geom, simpler_deg, True) if simpler_deg else Pipe.geom
    columns = (Pipe.id, Pipe.src_code, Pipe.pressure_class, func.ST_AsGeoJSON(geom, 6, 0).label("geom"))
    return session.execute(select(*columns).where(_among(Pipe, numbers, scope)).order_by(Pipe.id)).all()


def named(session: Session, scope: Scope, kind: str, numbers: Sequence[int]) -> dict[int, Row[Any]]:
    """Return code, name and owner of stations, regulators, valves or nodes within the scope, by number."""
    model: Any = {"station": Station, "regulator": Regulator, "valve": Valve, "node": Node}[kind]
    columns = (model.id, model.src_code, model.name, model.enterprise_id)
    return {row.id: row for row in session.execute(select(*columns).where(_among(model, numbers, scope)))}


def stations_offered(session: Session, scope: Scope) -> Sequence[Any]:
    """Return the stations that bring gas in, for the choice of what is lost."""
    wanted = select(Station.id, Station.src_code, Station.name, Station.kind, Station.p_out_mpa).where(
        Station.kind.between(1, 6), Station.status.in_((2, 3)), scope_filter(Station, scope)
    )
    return session.execute(wanted.order_by(Station.kind, Station.id).limit(200)).all()


def valves_offered(session: Session, scope: Scope, codes: Sequence[str]) -> Sequence[Any]:
    """Return the valves with some codes."""
    wanted = select(Valve.id, Valve.src_code).where(Valve.src_code.in_(codes), scope_filter(Valve, scope))
    return session.execute(wanted.order_by(Valve.id).limit(len(codes) * 3)).all()


def _mine(scope: Scope) -> Any:
    """Return the condition that a scenario was told for this very scope; its figures count what that scope sees."""
    kept = HydraulicScenario
    same = true() if scope.whole_city else kept.seen_scope == scope.as_text()
    return in_scope(scope, kept.enterprise_id, kept.adcode) & same


def find_scenario(session: Session, scope: Scope, scenario_id: int) -> HydraulicScenario:
    """Return a kept scenario; raise NotFound outside the scope."""
    wanted = select(HydraulicScenario).where(
        HydraulicScenario.id == scenario_id,
        _mine(scope),
    )
    found = session.scalar(wanted) if 0 < scenario_id <= BIGGEST_ID else None
    if found is None:
        raise NotFound("hydraulic_scenario")
    return found


def scenarios_kept(session: Session, scope: Scope, begin: int, most: int) -> Sequence[Any]:
    """Return kept scenarios without their results, newest first, with the number of the case each is kept with."""
    kept = HydraulicScenario
    columns = (
        kept.id, kept.name, kept.note, kept.question, kept.told, kept.made_by, kept.made_at, kept.case_id,
        SupervisionCase.case_no,
    )  # fmt: skip
    wanted = select(*columns).outerjoin(SupervisionCase, SupervisionCase.id == kept.case_id)
    wanted = wanted.where(_mine(scope)).order_by(kept.id.desc())
    return session.execute(wanted.offset(begin).limit(most)).all()


def scenario_of_case(session: Session, scope: Scope, case_id: int) -> int | None:
    """Return the newest scenario kept with a case."""
    kept = HydraulicScenario
    wanted = select(kept.id).where(kept.case_id == case_id, _mine(scope))
    return session.scalar(wanted.order_by(kept.id.desc()).limit(1))


def case_named(session: Session, scope: Scope, case_no: str) -> int:
    """Return the number of a case by what people call it; raise NotFound outside the scope."""
    wanted = select(SupervisionCase.id).where(
        SupervisionCase.case_no == case_no, in_scope(scope, SupervisionCase.enterprise_id, SupervisionCase.adcode)
    )
    found = session.scalar(wanted)
    if found is None:
        raise NotFound("hydraulic_case")
    return found
