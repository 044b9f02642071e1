"""What follows from the figures: worst indicators and the maintenance list; pure, on the snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

WORST = 5
PRESSURE_GRAVE_PCT = 95.0
ONLINE_GRAVE_PCT = 50.0
ONLINE_GOOD_PCT = 98.0
PRESSURE_GOOD_PCT = 99.5
GREY_CAST_IRON = 30
MAINTENANCE_ROWS = 16
PIPE_ROWS = 5


@dataclass(frozen=True)
class Advice:
    """One line of the maintenance list; `reason` and `action` are message ids with `facts`."""

    level: int
    object_code: str
    place: str
    reason: str
    action: str
    facts: Row


def worst_indicators(snapshot: Row) -> list[Row]:
    """Return up to five indicators below full score, those that cost most points of the total first."""
    losing = [row for row in snapshot["indicators"] if row["score"] is not None and row["score"] < 100]
    return sorted(losing, key=points_lost, reverse=True)[:WORST]


def points_lost(row: Row) -> float:
    """Return how many points of the total an indicator costs."""
    return float(row["share"]) * (100.0 - float(row["score"])) / 100.0


def maintenance(snapshot: Row, language: str) -> list[Advice]:
    """Return what should be repaired or maintained, most urgent first."""
    lines = [
        *_leaks(snapshot),
        *_pressure(snapshot, language),
        *_silent(snapshot, language),
        *_pipes(snapshot),
    ]
    return sorted(lines, key=lambda line: line.level)[:MAINTENANCE_ROWS]


def _leaks(snapshot: Row) -> Iterator[Advice]:
    for leak in snapshot["leaks"]["rows"]:
        if leak["closed_at"] is None:
            yield Advice(
                1,
                leak["object_code"] or "",
                leak["case_no"] or "",
                "Gas leak confirmed, repair not reported",
                "Locate, isolate and repair at once; verify on site before closing",
                {},
            )


def _pressure(snapshot: Row, language: str) -> Iterator[Advice]:
    for point in snapshot["diagnosis"]["pressure_points"]:
        share = float(point["in_limits_pct"])
        if share < PRESSURE_GOOD_PCT:
            yield Advice(
                2 if share < PRESSURE_GRAVE_PCT else 3,
                point["object_code"],
                _place(point, language),
                "Pressure within limits only %(share).1f %% of the time (point %(point)s)",
                "Check set pressure, filter and slam-shut of the regulator",
                {"share": share, "point": point["src_code"]},
            )


def _silent(snapshot: Row, language: str) -> Iterator[Advice]:
    for point in snapshot["diagnosis"]["weak_points"]:
        share = float(point["online_pct"])
        if share < ONLINE_GOOD_PCT:
            yield Advice(
                2 if share < ONLINE_GRAVE_PCT else 3,
                point["object_code"],
                _place(point, language),
                "Point %(point)s online only %(share).1f %% of the time",
                "Check sensor, power supply and communication",
                {"share": share, "point": point["src_code"]},
            )


def _pipes(snapshot: Row) -> Iterator[Advice]:
    for pipe in snapshot["diagnosis"]["old_pipes"][:PIPE_ROWS]:
        iron = pipe["material"] == GREY_CAST_IRON
        yield Advice(
            2 if iron else 4,
            pipe["src_code"],
            pipe["road_name"] or "",
            "Grey cast iron main, %(length).0f m" if iron else "Main laid in %(year)s, %(length).0f m",
            "Replace within the renewal programme" if iron else "Assess ageing and shorten the leak survey cycle",
            {"length": float(pipe["length_m"]), "year": pipe["install_year"]},
        )


def _place(point: Row, language: str) -> str:
    found = point["name_en"] if language.startswith("en") else point["name_zh"]
    return found or point["name"] or ""
