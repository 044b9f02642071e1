"""The sample deliveries and the real grids: exactly the planted defects, and the same network from every format."""

import json
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from ingestion_adapters.contract import Node, Pipe, Regulator, Station, User, Valve
from ingestion_adapters.files.judge import Judged, judge_delivery
from ingestion_adapters.files.report import report_json

DATA = Path(__file__).parents[1] / "data"
SAMPLES = DATA / "enterprise_samples"
TODAY = date(2026, 6, 1)
DELIVERIES = {
    "csv": (("管线表_gbk.csv", "管点表_gbk.csv"), "EPSG:4547"),
    "xlsx": (("管网普查成果.xlsx",), "EPSG:4547"),
    "shape": (("RQGX_shp_no_cpg.zip",), None),
    "geojson": (("pipes_gcj02.geojson",), "GCJ02"),
}
RULE_OF_KIND = {
    "unknown start node": ("R13", "E_UNKNOWN_OBJECT", "起点点号"),
    "unknown pressure class": ("D1", "E_DICT", "压力级别"),
    "diameter not parsable": ("D2", "E_SCHEMA", "管径"),
    "diameter out of range": ("R6", "E_RANGE", "管径"),
    "mandatory field empty": ("R11", "E_SCHEMA", "材质"),
}


@cache
def judged(name: str) -> Judged:
    files, crs = DELIVERIES[name]
    return judge_delivery([SAMPLES / file for file in files], crs, today=TODAY)


def planted(*, with_points: bool) -> dict[str, tuple[str, str, str]]:
    defects = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))["defects"]
    # A delivery of lines alone has no table of points that a node could be missing from.
    return {d["管线编号"]: RULE_OF_KIND[d["kind"]] for d in defects if with_points or d["kind"] != "unknown start node"}


@pytest.mark.parametrize("name", DELIVERIES)
def test_exactly_the_planted_defects_are_errors(name: str) -> None:
    found = {f.object: (f.rule, f.code, f.field) for f in judged(name).errors}
    assert found == planted(with_points=name in ("csv", "xlsx"))
    assert len(judged(name).errors) == len(found)


def test_lines_together_with_points_show_all_five_defects() -> None:
    result = judge_delivery([SAMPLES / "RQGX_shp_no_cpg.zip", SAMPLES / "管点表_gbk.csv"], "EPSG:4547", today=TODAY)
    assert {f.object for f in result.errors} == set(planted(with_points=True))


def test_points_known_from_before_show_a_second_code_at_their_place() -> None:
    known = {r.src_code: (r.lon, r.lat) for r in judged("csv").records if isinstance(r, Node)}
    result = judge_delivery([SAMPLES / "pipes_gcj02.geojson"], "GCJ02", known_nodes=known, today=TODAY)
    assert {f.object for f in result.errors} == set(planted(with_points=True))


@pytest.mark.parametrize(
    ("name", "rows", "refused"), [("csv", 1437, 5), ("xlsx", 1437, 5), ("shape", 554, 4), ("geojson", 554, 4)]
)
def test_every_row_is_either_accepted_or_in_quarantine(name: str, rows: int, refused: int) -> None:
    counts = judged(name).counts
    assert (counts.rows, counts.accepted, counts.quarantined) == (rows, rows - refused, refused)


def test_rows_are_counted_as_in_the_file() -> None:
    rows = {f.object: f.row for f in judged("csv").errors}
    lines = (SAMPLES / "管线表_gbk.csv").read_text(encoding="gb18030").splitlines()
    assert all(lines[row - 1].startswith(code) for code, row in rows.items())


def test_all_four_formats_give_the_same_attributes() -> None:
    def attributes(name: str) -> dict[str, tuple[object, ...]]:
        pipes = (r for r in judged(name).records if isinstance(r, Pipe))
        return {
            p.src_code: (p.od_mm, p.material, p.pressure_class, p.install_year, p.depth_start_m, p.from_node)
            for p in pipes
        }

    csv = attributes("csv")
    assert csv == attributes("xlsx")
    for other in ("shape", "geojson"):
        assert csv.items() <= attributes(other).items()


def test_gcj02_lines_land_on_the_surveyed_points_within_decimetres() -> None:
    points = {r.src_code: r for r in judged("csv").records if isinstance(r, Node)}
    for node in (r for r in judged("geojson").records if isinstance(r, Node)):
        if node.src_code in points:
            assert node.lon == pytest.approx(points[node.src_code].lon, abs=1.5e-6)
            assert node.lat == pytest.approx(points[node.src_code].lat, abs=1.5e-6)


@pytest.mark.parametrize("files", [("管线表_gbk.csv", "管点表_gbk.csv"), ("pipes_gcj02.geojson",)])
def test_without_a_coordinate_system_the_sender_is_asked_and_nothing_is_taken(files: tuple[str, ...]) -> None:
    result = judge_delivery([SAMPLES / file for file in files], today=TODAY)
    assert result.needs_crs and not result.records and result.crs_suggestions
    assert "E_CRS" in {f.code for f in result.errors}


def test_the_axes_that_were_seen_are_shown() -> None:
    assert "“X”为北" in judged("csv").crs_evidence["zh"]


def test_a_declared_system_that_differs_from_the_prj_is_refused() -> None:
    result = judge_delivery([SAMPLES / "RQGX_shp_no_cpg.zip"], "GCJ02", today=TODAY)
    assert [(f.rule, f.code) for f in result.errors] == [("C1", "E_CRS")]
    assert not result.records


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4526", "GCJ02", "EPSG:2383", "nonsense"])
def test_a_declared_system_that_the_values_do_not_fit_is_refused(crs: str) -> None:
    files, _ = DELIVERIES["csv"]
    result = judge_delivery([SAMPLES / file for file in files], crs, today=TODAY)
    assert "E_CRS" in {f.code for f in result.errors}
    assert not result.records


def test_dictionary_words_become_codes_and_sizes_become_outside_diameters() -> None:
    pipe = next(r for r in judged("csv").records if isinstance(r, Pipe) and r.src_code == "GX44030500001")
    assert (pipe.od_mm, pipe.material, pipe.pressure_class, pipe.laying, pipe.install_year) == (323.9, 11, 5, 1, 2018)


def test_fittings_of_points_become_valves_and_regulators() -> None:
    kinds = Counter(type(r) for r in judged("csv").records)
    assert (kinds[Valve], kinds[Regulator]) == (150, 2)


def test_unknown_columns_are_kept_beside_the_record() -> None:
    assert judged("csv").kept["pipe", "GX44030500001"] == {"权属单位": "示例燃气有限公司"}


def test_the_report_has_the_promised_shape() -> None:
    report = report_json(judged("csv"))
    assert {"files", "rows", "accepted", "quarantined", "crs", "findings"} <= report.keys()
    assert report["crs"] == "EPSG:4547"
    assert all(
        {"file", "row", "object", "field", "rule", "code", "message"} <= row.keys() for row in report["findings"]
    )
    assert len(report["findings"]) == 5
    json.dumps(report)


def test_the_preview_shows_what_waits_first() -> None:
    preview = judged("shape").preview_geojson
    assert [f["properties"]["state"] for f in preview["features"][:4]] == ["quarantined"] * 4


def test_the_schutterwald_grid_is_taken_whole_and_is_one_piece() -> None:
    result = judge_delivery([DATA / "schutterwald/schutterwald.gpkg"], today=TODAY)
    assert Counter(type(r) for r in result.records) == {Node: 2559, Pipe: 2559, User: 1506, Station: 1}
    assert result.errors == [] and result.crs == "EPSG:4326"
    assert "R14" not in {f.rule for f in result.findings}


def test_the_ruhr_grid_keeps_its_six_parts_and_its_devices() -> None:
    result = judge_delivery([DATA / "ruhr/ruhr_methane_2023.gpkg"], today=TODAY)
    kinds = Counter(type(r) for r in result.records)
    assert kinds == {Node: 739 + 36, Pipe: 682 + 2 * 36, Valve: 32, Regulator: 85, Station: 4}
    assert result.errors == [] and result.crs == "EPSG:3035"
    assert ["6 个" in f.message_zh for f in result.findings if f.rule == "R14"] == [True]
