"""The major hazard of stations that store gas, GB 18218-2018."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from gis.risk.formulas import alpha_of, major_hazard, stored_gas_t, stored_liquid_t
from gis.risk.models import RiskStation
from portal.core.sql import load_sql
from portal.jobs.queries import parameter_value

HERE = str(Path(__file__).parent)
LIQUID = {4: "lng", 6: "lpg"}  # code station_kind
USUAL = {
    "lng_fill": 0.9,
    "lng_t_per_m3": 0.43,
    "lpg_fill": 0.85,
    "lpg_t_per_m3": 0.55,
    "critical_t": 50.0,
    "beta": 1.5,
    "people_m": 500.0,
}


def compute_stations(session: Session, srid: int, now: datetime) -> int:
    """Work out the major hazard of every station with tanks anew; return how many there are."""
    figures = {name: parameter_value(session, f"risk.station.{name}", usual) for name, usual in USUAL.items()}
    found = session.execute(load_sql(HERE, "stations"), {"srid": srid, "near_m": figures["people_m"]}).all()
    session.execute(delete(RiskStation))
    rows = [_row(each, figures, now) for each in found]
    if rows:
        session.execute(insert(RiskStation), rows)
    return len(rows)


def _row(station: Any, figures: dict[str, float], now: datetime) -> dict[str, Any]:
    fill, density = 1.0, stored_gas_t(1.0, station.pressure_mpa)
    if station.kind in LIQUID:
        fill, density = figures[f"{LIQUID[station.kind]}_fill"], figures[f"{LIQUID[station.kind]}_t_per_m3"]
    stock = stored_liquid_t(station.storage_m3, fill, density)
    alpha = alpha_of(station.people)
    s, r, level = major_hazard(stock, figures["critical_t"], alpha=alpha, beta=figures["beta"])
    return {
        "station_id": station.id, "enterprise_id": station.enterprise_id, "adcode": station.adcode, "storage_m3": station.storage_m3,
        "fill": fill, "density_t_per_m3": density, "stock_t": stock, "critical_t": figures["critical_t"], "people_500m": station.people,
        "alpha": alpha, "beta": figures["beta"], "s": s, "r": r, "level": level, "computed_at": now,
    }  # fmt: skip
