"""The city's area as a rule on deliveries (R16), and the exit code of an import of which nothing is good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.basemap.queries import city_area
from gis.network.rules import Limits
from ingestion_adapters.files.commands import network
from ingestion_adapters.files.judge import Judged, judge_delivery
from ingestion_adapters.files.store import limits_of_city
from tests.factories import make_enterprise

SAMPLES = Path(__file__).parents[1] / "data" / "enterprise_samples"
CITY = (112.0, 31.5, 113.0, 32.5)


def pipes(folder: Path, *lines: list[list[float]]) -> Path:
    """Write a GeoJSON delivery of pipes."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": line},
            "properties": {"管线编号": f"G{n}", "起点编号": f"A{n}", "终点编号": f"B{n}", "管径": "DN200", "材质": "PE100",
                           "压力级制": "中压A", "埋设方式": "直埋", "状态": "在用"},
        }
        for n, line in enumerate(lines)
    ]  # fmt: skip
    path = folder / "pipes.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def judged(path: Path, area: tuple[float, float, float, float] | None) -> Judged:
    """Judge a delivery in CGCS2000 degrees under an area of the city."""
    return judge_delivery([path], "EPSG:4490", Limits(area=area))


def of_rule(result: Judged, rule: str) -> list[tuple[str, str, str]]:
    """Return object, code and severity of the findings of a rule."""
    return [(each.object, each.code, each.severity) for each in result.findings if each.rule == rule]


@pytest.mark.clause("7.2.7.6-h")
def test_a_pipe_outside_the_city_is_refused_and_its_neighbours_are_not(tmp_path: Path) -> None:
    edge = [[112.99 + n / 100, 32.0] for n in range(3)]
    lines = [[[x, 32.0], [x + 0.004, 32.0]] for x in (112.96, 112.97, 112.98)]
    path = pipes(tmp_path, *lines, edge)
    assert of_rule(judged(path, CITY), "R16") == [("G3", "E_GEOMETRY", "error")]
    assert of_rule(judged(path, None), "R16") == []


def test_a_delivery_from_elsewhere_is_judged_without_the_area_and_says_so(tmp_path: Path) -> None:
    path = pipes(tmp_path, *[[[114.0 + n / 100, 22.5], [114.005 + n / 100, 22.5]] for n in range(4)])
    assert of_rule(judged(path, CITY), "R16") == [("", "E_GEOMETRY", "warning")]
    assert judged(path, CITY).counts == judged(path, None).counts


@pytest.mark.parametrize(
    ("files", "crs"),
    [(["管线表_gbk.csv", "管点表_gbk.csv"], "EPSG:4547"), (["管网普查成果.xlsx"], "EPSG:4547"), (["pipes_gcj02.geojson"], "GCJ02")],
)  # fmt: skip
def test_the_samples_have_the_same_errors_whatever_the_city_is(files: list[str], crs: str) -> None:
    paths = [SAMPLES / each for each in files]
    free = judge_delivery(paths, crs)
    bound = judge_delivery(paths, crs, Limits(area=CITY))
    assert free.errors == bound.errors and free.counts == bound.counts


def test_the_area_is_that_of_the_district_boundaries(db: Session, owner: Session) -> None:
    assert limits_of_city(db).area == city_area(db)
    owner.execute(
        text(
            "insert into base_district (adcode, name_zh, name_en, geom, label) select '999999', 'x', 'x',"
            " st_multi(b), st_centroid(b) from (select st_makeenvelope(112, 31.5, 113, 32.5, 4490) b) box"
        )
    )
    assert city_area(owner) == pytest.approx(CITY)
    owner.rollback()


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_an_import_without_a_good_row_ends_with_1(
    database: dict[str, str],
    committed: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
) -> None:
    for name, value in (database | {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DEMO": "0"}).items():
        monkeypatch.setenv(name, value)
    firm = committed(lambda session: make_enterprise(session).short_name)

    def run(path: Path) -> Result:
        return CliRunner().invoke(network, ["import", str(path), "--enterprise", firm, "--crs", "EPSG:4490", *words])

    bad = run(pipes(tmp_path, [[112.5, 32.0], [112.5, 32.0]]))
    assert (bad.exit_code, "no row" in bad.output) == (1, True), bad.output
    good = run(pipes(tmp_path, [[112.5, 32.0], [112.51, 32.0]]))
    assert good.exit_code == 0, good.output
