"""How well the released model predicted: segments' expectations against the failures filed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.risk.calibration import Bin, Fit, fit, grouped, refitted_rate
from gis.risk.columns import read_columns
from gis.risk.model import Model
from gis.risk.scoring import INPUT_NAMES, PIPE_KINDS, Inputs, pipe_kind, score
from portal.core.sql import load_sql
from portal.safety.risk.services import KINDS, STORED

HERE = str(Path(__file__).parent)
YEARS_MOST = 3


@dataclass(frozen=True)
class Calibration:
    """The fit of a model, by groups of rate and by material, with the base rates moved toward what was seen."""

    segments: int
    years: float
    fit: Fit
    kinds: list[tuple[Bin, float, float]]


def calibration(session: Session, model: Model, now: datetime, years: int = YEARS_MOST) -> Calibration | None:
    """Return how the model fits the records in scope; None without any record or segment.

    A leak of the time under watch must not predict itself: the factor of the leak history is left out.
    """
    session.execute(text("drop table if exists pg_temp.risk_observed"))
    session.execute(load_sql(HERE, "observed"), {"now": now, "years": years})
    columns = {name: KINDS[name] for name in INPUT_NAMES} | {"years": "double precision", "failures_n": "integer"}
    found = read_columns(
        session, f"select s.*, o.years, o.failures_n from ({STORED}) s join risk_observed o using (pipe_id)", columns
    )
    if not len(found["years"]):
        return None
    given = Inputs(**{name: found[name] for name in INPUT_NAMES}).without("leaks_n")
    expected = score(model, given).expected * found["years"]
    km_years = given.length_m / 1000 * found["years"]
    observed = found["failures_n"].astype(np.int64)
    bins = grouped(PIPE_KINDS, pipe_kind(given), expected, observed, km_years)
    rates = [
        (each, model["base"][each.name], refitted_rate(model["base"][each.name], each.expected, each.observed))
        for each in bins
    ]
    return Calibration(len(expected), float(found["years"].max()), fit(expected, observed, km_years), rates)
