"""Districts and cells of the grid with their colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import Transformer
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from portal.core.actor import Scope
from portal.safety.risk.compute import metric_srid
from portal.safety.risk.queries import area_rows, district_km2
from portal.safety.risk.rules import area_colour

CELLS_SHOWN = 12
CELL_KM2 = 1.0


@dataclass(frozen=True)
class AreaLine:
    """One district or cell: colour, segments and kilometres by colour, failures expected a year, middle."""

    key: str
    name: str
    colour: int
    counts: dict[int, int]
    km: dict[int, float]
    expected: float
    place: tuple[float, float] | None = None

    @property
    def length_km(self) -> float:
        """Return all kilometres."""
        return sum(self.km.values())


def area_lines(session: Session, scope: Scope, orange_per_km2: float, names: dict[str, str] | None) -> list[AreaLine]:
    """Return the districts, or without names the gravest cells of the 1 km grid, the gravest first."""
    if names is None:
        found = _order([_cell(row, orange_per_km2) for row in area_rows(session, scope, grid=True)])[:CELLS_SHOWN]
        return _placed(session, found)
    areas = district_km2(session)
    return _order(
        [_district(row, orange_per_km2, areas.get(row.adcode or "", 0.0), names) for row in area_rows(session, scope)]
    )


def _order(lines: list[AreaLine]) -> list[AreaLine]:
    return sorted(
        lines, key=lambda each: (each.colour, -each.counts[1], -each.counts[2], -each.counts[3], -each.expected)
    )


def _sums(row: Any) -> tuple[dict[int, int], dict[int, float]]:
    colours = (1, 2, 3, 4)
    return {each: int(getattr(row, f"n{each}")) for each in colours}, {
        each: float(getattr(row, f"km{each}")) for each in colours
    }


def _district(row: Any, orange: float, km2: float, names: dict[str, str]) -> AreaLine:
    counts, km = _sums(row)
    name = names.get(row.adcode or "", row.adcode or "–")
    return AreaLine(
        row.adcode or "", name, area_colour(counts, km2 or math.inf, orange), counts, km, float(row.expected)
    )


def _cell(row: Any, orange: float) -> AreaLine:
    counts, km = _sums(row)
    key = f"{row.cell_x}_{row.cell_y}"
    return AreaLine(key, key, area_colour(counts, CELL_KM2, orange), counts, km, float(row.expected))


def _placed(session: Session, lines: list[AreaLine]) -> list[AreaLine]:
    """Give the cells their middle in degrees and the road most of their graver segments lie at."""
    if not lines:
        return lines
    corners = np.array([[int(part) for part in each.key.split("_")] for each in lines], float)
    back = Transformer.from_crs(metric_srid(session), STORAGE_SRID, always_xy=True)
    lon, lat = back.transform(corners[:, 0] * 1000 + 500, corners[:, 1] * 1000 + 500)
    roads = _roads(session, lines)
    return [
        AreaLine(
            each.key,
            roads.get(each.key) or each.key,
            each.colour,
            each.counts,
            each.km,
            each.expected,
            (float(x), float(y)),
        )
        for each, x, y in zip(lines, lon, lat, strict=True)
    ]


def _roads(session: Session, lines: list[AreaLine]) -> dict[str, str]:
    rows = session.execute(
        text(
            "select r.cell_x || '_' || r.cell_y as cell, mode() within group (order by p.road_name) as road"
            " from risk_segment r join gas_pipe p on p.id = r.pipe_id"
            " where r.cell_x || '_' || r.cell_y = any (:cells) and r.colour <= 3 and p.road_name is not null group by 1"
        ),
        {"cells": [each.key for each in lines]},
    )
    return {row.cell: row.road for row in rows}
