"""Survey deliveries with every defect we know: each is found on its own row, and nothing else is."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.network.rules import Limits
from ingestion_adapters.contract import Node, Pipe
from ingestion_adapters.files.judge import Judged, judge_delivery

TODAY = date(2026, 6, 1)
PIPE_HEAD = [
    "管线编号",
    "起点点号",
    "终点点号",
    "管径",
    "材质",
    "压力级别",
    "埋设方式",
    "起点埋深",
    "终点埋深",
    "建设年代",
    "使用状态",
]
POINT_HEAD = ["管点编号", "X", "Y", "地面高程", "特征", "附属物"]
N = 12


def points() -> list[list[Any]]:
    return [[f"A{i:02d}", 2495300.0 + 40 * i, 493020.6 + 15 * i, 20.5, "直线点", ""] for i in range(N)]


def pipes() -> list[list[Any]]:
    return [
        [f"P{i:02d}", f"A{i:02d}", f"A{i + 1:02d}", "De110", "PE管", "低压", "直埋", 1.2, 1.3, "2015", "在用"]
        for i in range(N - 1)
    ]


def text_of(head: list[str], rows: list[list[Any]]) -> str:
    return "\r\n".join(",".join(str(cell) for cell in row) for row in [head, *rows]) + "\r\n"


def deliver(folder: Path, lines: list[list[Any]], nodes: list[list[Any]], **how: Any) -> Judged:
    encoding = how.pop("encoding", "gb18030")
    (folder / "线.csv").write_bytes(text_of(how.pop("pipe_head", PIPE_HEAD), lines).encode(encoding))
    (folder / "点.csv").write_bytes(text_of(how.pop("point_head", POINT_HEAD), nodes).encode(encoding))
    return judge_delivery(
        [folder / "线.csv", folder / "点.csv"], how.pop("crs", "EPSG:4547"), how.pop("limits", None), today=TODAY
    )


def errors(result: Judged) -> list[tuple[str, int, str, str]]:
    return sorted((f.object, f.row, f.rule, f.code) for f in result.errors)


def test_a_sound_delivery_has_no_error(tmp_path: Path) -> None:
    result = deliver(tmp_path, pipes(), points())
    assert errors(result) == []
    assert (result.counts.rows, result.counts.quarantined) == (2 * N - 1, 0)


@pytest.mark.parametrize(
    ("column", "value", "rule", "code"),
    [
        ("管线编号", "", "R11", "E_SCHEMA"),
        ("管线编号", "P01", "R1", "E_DUPLICATE_KEY"),
        ("起点点号", "", "R11", "E_SCHEMA"),
        ("终点点号", "B99", "R13", "E_UNKNOWN_OBJECT"),
        ("管径", "约200", "D2", "E_SCHEMA"),
        ("管径", "DN20000", "R6", "E_RANGE"),
        ("管径", "-110", "D2", "E_SCHEMA"),
        ("管径", "0", "R6", "E_RANGE"),
        ("材质", "", "R11", "E_SCHEMA"),
        ("材质", "木管", "D1", "E_DICT"),
        ("压力级别", "超高压", "D1", "E_DICT"),
        ("压力级别", "中压", "D1", "E_DICT"),
        ("压力级别", "高压B", "R4", "E_RANGE"),
        ("埋设方式", "漂浮", "D1", "E_DICT"),
        ("起点埋深", "99", "R19", "E_RANGE"),
        ("终点埋深", "-1.2", "R19", "E_RANGE"),
        ("起点埋深", "一米", "D2", "E_SCHEMA"),
        ("起点埋深", "nan", "D2", "E_SCHEMA"),
        ("建设年代", "2035", "R18", "E_FUTURE"),
        ("建设年代", "1890", "R18", "E_TIME"),
        ("建设年代", "20155", "R18", "E_FUTURE"),
        ("建设年代", "不详", "D2", "E_TIME"),
        ("使用状态", "", "R11", "E_SCHEMA"),
        ("使用状态", "?", "D1", "E_DICT"),
        ("材质", "=cmd|' /C calc'!A0", "F1", "E_SCHEMA"),
        ("管线编号", "@SUM(A1)", "F1", "E_SCHEMA"),
    ],
)
def test_a_defect_of_a_pipe_is_found_on_its_row_alone(
    tmp_path: Path, column: str, value: str, rule: str, code: str
) -> None:
    lines = pipes()
    lines[5][PIPE_HEAD.index(column)] = value
    found = errors(deliver(tmp_path, lines, points()))
    assert [(row, r, c) for _, row, r, c in found] == [(7, rule, code)]


@pytest.mark.parametrize(
    ("column", "value", "rule", "code"),
    [
        ("X", "", "R11", "E_SCHEMA"),
        ("X", "abc", "D2", "E_SCHEMA"),
        ("X", "0", "R16", "E_GEOMETRY"),
        ("Y", "593020.6", "R16", "E_GEOMETRY"),
        ("X", "2795300", "R16", "E_GEOMETRY"),
        ("地面高程", "99999", "R16", "E_RANGE"),
        ("管点编号", "", "R11", "E_SCHEMA"),
        ("管点编号", "A01", "R1", "E_DUPLICATE_KEY"),
    ],
)
def test_a_defect_of_a_point_is_found_and_its_pipes_wait_without_an_error(
    tmp_path: Path, column: str, value: str, rule: str, code: str
) -> None:
    nodes = [*points(), ["A99", 2495320.0, 493020.6, 20.5, "直线点", ""]]
    nodes[-1][POINT_HEAD.index(column)] = value
    found = errors(deliver(tmp_path, pipes(), nodes))
    assert [(row, r, c) for _, row, r, c in found] == [(N + 2, rule, code)]


def test_swapped_axes_on_one_row_are_found_and_its_pipes_wait(tmp_path: Path) -> None:
    nodes = points()
    nodes[4][1], nodes[4][2] = nodes[4][2], nodes[4][1]
    result = deliver(tmp_path, pipes(), nodes)
    assert errors(result) == [("A04", 6, "R16", "E_GEOMETRY")]
    assert "填反" in result.errors[0].message_zh
    waiting = {f.object for f in result.findings if f.severity == "warning" and f.code == "E_UNKNOWN_OBJECT"}
    assert waiting == {"P03", "P04"} and result.counts.quarantined == 3


def test_columns_named_the_other_way_round_are_recognised_by_their_values(tmp_path: Path) -> None:
    turned = [[code, y, x, *rest] for code, x, y, *rest in points()]
    result = deliver(tmp_path, pipes(), turned)
    assert errors(result) == [] and "“Y”为北" in result.crs_evidence["zh"]
    straight = deliver(tmp_path, pipes(), points())
    assert [r for r in result.records if isinstance(r, Node)] == [r for r in straight.records if isinstance(r, Node)]


def test_eastings_with_a_zone_prefix_tell_their_zone(tmp_path: Path) -> None:
    zoned = [[code, x, y + 38_000_000, *rest] for code, x, y, *rest in points()]
    result = deliver(tmp_path, pipes(), zoned, crs=None)
    assert errors(result) == [] and result.crs == "EPSG:4526" and "带号 38" in result.crs_evidence["zh"]


def test_a_zone_prefix_that_contradicts_the_declaration_is_refused(tmp_path: Path) -> None:
    zoned = [[code, x, y + 39_000_000, *rest] for code, x, y, *rest in points()]
    result = deliver(tmp_path, pipes(), zoned, crs="EPSG:4526")
    assert {f.code for f in result.errors} >= {"E_CRS"} and not result.records


def test_a_city_boundary_refuses_what_lies_outside(tmp_path: Path) -> None:
    result = deliver(tmp_path, pipes(), points(), limits=Limits(area=(113.9321, 22.0, 113.9335, 23.0)))
    assert {(f.rule, f.code) for f in result.errors} >= {("R16", "E_GEOMETRY")}


def test_two_nodes_at_one_place_make_a_pipe_of_no_length(tmp_path: Path) -> None:
    nodes = points()
    nodes[6][1:3] = nodes[5][1:3]
    assert errors(deliver(tmp_path, pipes(), nodes)) == [("P05", 7, "R13", "E_GEOMETRY")]


def test_the_same_row_twice_is_a_duplicate_of_the_first(tmp_path: Path) -> None:
    lines = pipes()
    result = deliver(tmp_path, [*lines, lines[3]], points())
    assert errors(result) == [("P03", N + 1, "R1", "E_DUPLICATE_KEY")]
    assert "第 5 行" in result.errors[0].message_zh


def test_optional_columns_bring_their_rules(tmp_path: Path) -> None:
    head = [*PIPE_HEAD, "设计压力(kPa)", "运行压力（MPa）", "防腐层", "长度", "备注"]
    lines = [[*row, 8, 0.005, "无", 42.7, "x"] for row in pipes()]
    lines[1][-5] = 300
    lines[2][-4] = 0.009
    lines[3][-3] = "3PE"
    lines[4][-2] = 4272
    lines[5][-2] = 30
    result = deliver(tmp_path, lines, points(), pipe_head=head)
    assert [(o, r) for o, _, r, _ in errors(result)] == [("P01", "R4"), ("P02", "R3"), ("P03", "R5"), ("P04", "R17")]
    assert result.kept["pipe", "P06"] == {"备注": "x"}
    assert [f.object for f in result.findings if f.severity == "warning" and f.rule == "R17"] == ["P05"]


def test_a_missing_mandatory_column_is_told_once_and_nothing_is_taken(tmp_path: Path) -> None:
    head = [name if name != "材质" else "备注" for name in PIPE_HEAD]
    result = deliver(tmp_path, pipes(), points(), pipe_head=head)
    assert [(f.rule, f.field, f.row) for f in result.errors] == [("R11", "材质", 1)]
    assert not [r for r in result.records if isinstance(r, Pipe)] and result.counts.quarantined == N - 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    assert errors(deliver(tmp_path, pipes(), points(), encoding=encoding)) == []


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_every_usual_delimiter_is_read(tmp_path: Path, delimiter: str) -> None:
    for name, head, rows in (("线.txt", PIPE_HEAD, pipes()), ("点.txt", POINT_HEAD, points())):
        (tmp_path / name).write_bytes(text_of(head, rows).replace(",", delimiter).encode("gb18030"))
    result = judge_delivery([tmp_path / "线.txt", tmp_path / "点.txt"], "EPSG:4547", today=TODAY)
    assert errors(result) == [] and result.counts.rows == 2 * N - 1


def test_words_that_were_converted_wrongly_are_told_with_what_they_were(tmp_path: Path) -> None:
    path = tmp_path / "线.csv"
    garbled = text_of(PIPE_HEAD, pipes()).encode("utf-8").decode("gb18030", errors="replace")
    path.write_text(garbled, encoding="utf-8")
    result = judge_delivery([path], "EPSG:4547", today=TODAY)
    assert not result.records and result.errors[0].code == "E_SCHEMA"


def test_rows_in_another_encoding_are_read_and_told(tmp_path: Path) -> None:
    rows = text_of(PIPE_HEAD, pipes()).split("\r\n")
    data = b"\r\n".join(line.encode("utf-8" if i == 4 else "gb18030") for i, line in enumerate(rows))
    (tmp_path / "线.csv").write_bytes(data)
    (tmp_path / "点.csv").write_bytes(text_of(POINT_HEAD, points()).encode("gb18030"))
    result = judge_delivery([tmp_path / "线.csv", tmp_path / "点.csv"], "EPSG:4547", today=TODAY)
    assert errors(result) == [] and any("第 5 行" in f.message_zh for f in result.findings)


def test_a_broken_byte_and_a_nul_refuse_their_rows_alone(tmp_path: Path) -> None:
    rows = [line.encode("gb18030") for line in text_of(PIPE_HEAD, pipes()).split("\r\n")]
    rows[3] = rows[3].replace("直埋".encode("gb18030"), b"\xff\xff")
    rows[6] += b"\x00"
    (tmp_path / "线.csv").write_bytes(b"\r\n".join(rows))
    (tmp_path / "点.csv").write_bytes(text_of(POINT_HEAD, points()).encode("gb18030"))
    result = judge_delivery([tmp_path / "线.csv", tmp_path / "点.csv"], "EPSG:4547", today=TODAY)
    assert {(o, row) for o, row, _, _ in errors(result)} == {("P02", 4), ("P05", 7)}
    assert result.counts.quarantined == 2


def test_full_width_signs_quotes_and_dates_are_read(tmp_path: Path) -> None:
    lines = pipes()
    lines[0][7:10] = ["１．２", '"1.3"', "2015年"]
    lines[1][3], lines[1][9] = "ＤＥ１１０", "2015-06-01"
    lines[2][3], lines[2][9] = "φ110×10", "42156"
    lines[3][3], lines[3][0] = '" 110 "', '"P03"'
    result = deliver(tmp_path, lines, points())
    assert errors(result) == []
    read = [r for r in result.records if isinstance(r, Pipe)][:4]
    assert [(p.od_mm, p.install_year) for p in read] == [(110.0, 2015)] * 4


def test_repeated_headers_totals_and_blank_rows_are_not_rows(tmp_path: Path) -> None:
    lines = pipes()
    lines[4:4] = [PIPE_HEAD, [""] * len(PIPE_HEAD)]
    lines += [["合计", *[""] * (len(PIPE_HEAD) - 1)], [""] * len(PIPE_HEAD)]
    result = deliver(tmp_path, lines, points())
    assert errors(result) == [] and result.counts.rows == 2 * N - 1


def test_a_row_with_shifted_columns_is_refused(tmp_path: Path) -> None:
    lines = pipes()
    lines[2].insert(3, "多余")
    assert {(o, row) for o, row, _, _ in errors(deliver(tmp_path, lines, points()))} == {("P02", 4)}


def test_an_open_quotation_mark_is_told(tmp_path: Path) -> None:
    lines = pipes()
    lines[-1][4] = '"PE管'
    result = deliver(tmp_path, lines, points())
    assert {o for o, *_ in errors(result)} <= {"P10", ""} and result.errors


def test_a_title_above_the_header_keeps_the_row_numbers_of_the_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet, nodes = book.active, book.create_sheet("点")
    sheet.append(["某市燃气管线成果表"])
    sheet.merge_cells("A1:K1")
    sheet.append([])
    sheet.append(PIPE_HEAD)
    lines = pipes()
    lines[2][3] = "约200"
    for row in lines:
        row[9] = date(2015, 5, 1)
        sheet.append(row)
    sheet.cell(60, 1).value = None
    nodes.append(POINT_HEAD)
    for row in points():
        nodes.append(row)
    book.create_sheet("说明").append(["本表由普查队提供"])
    book.save(tmp_path / "a.xlsx")
    result = judge_delivery([tmp_path / "a.xlsx"], "EPSG:4547", today=TODAY)
    assert [(f.object, f.row, f.file) for f in result.errors] == [("P02", 6, "a.xlsx#Sheet")]
    assert {r.install_year for r in result.records if isinstance(r, Pipe)} == {2015}


def feature(code: str, geometry: Any) -> dict[str, Any]:
    ends = [f"{code}a", f"{code}b"]
    values = dict(zip(PIPE_HEAD, [code, *ends, "De110", "PE管", "低压", "直埋", 1.2, 1.3, 2015, "在用"], strict=True))
    return {"type": "Feature", "properties": values, "geometry": geometry}


def line(*coordinates: list[float], kind: str = "LineString") -> dict[str, Any]:
    return {"type": kind, "coordinates": list(coordinates)}


def judge_features(folder: Path, *features: dict[str, Any], crs: str = "EPSG:4490", **member: Any) -> Judged:
    sound = [feature(f"OK{i}", line([113.93, 22.6 + i / 100], [113.931, 22.6 + i / 100])) for i in range(5)]
    document = {"type": "FeatureCollection", **member, "features": [*sound, *features]}
    (folder / "a.geojson").write_text(json.dumps(document), encoding="utf-8")
    return judge_delivery([folder / "a.geojson"], crs, today=TODAY)


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (None, "为空"),
        (line(), "为空"),
        (line([113.93, 22.5]), "为空"),
        (line([113.93, 22.5], ["a", 22.5]), "为空"),
        ({"type": "Point", "coordinates": [113.93, 22.5]}, "Point"),
        ({"type": "Polygon", "coordinates": [[[113.9, 22.5], [113.9, 22.6], [113.8, 22.5], [113.9, 22.5]]]}, "Polygon"),
        (line([113.93, 22.5], [113.93, 22.5]), "为零"),
        (line([113.93, 22.5], [113.932, 22.502], [113.932, 22.5], [113.93, 22.502]), "自相交"),
        (line([22.5, 113.93], [22.501, 113.93]), "填反"),
        (line([13.93, 22.5], [13.931, 22.5]), "取值范围"),
        (line([0, 0], [0.001, 0]), "取值范围"),
        (line([116.4, 39.9], [116.401, 39.9]), "km"),
        (line([113.93, 22.5], [114.93, 22.5]), "km"),
        (line([[113.93, 22.5], [113.931, 22.5]], [[113.94, 22.5], [113.941, 22.5]], kind="MultiLineString"), "不相连"),
    ],
)
def test_a_bad_geometry_is_found_on_its_feature_alone(tmp_path: Path, geometry: Any, words: str) -> None:
    result = judge_features(tmp_path, feature("BAD", geometry))
    assert {(f.object, f.code, f.row) for f in result.errors} == {("BAD", "E_GEOMETRY", 6)}
    assert any(words in f.message_zh for f in result.errors)


@pytest.mark.parametrize(
    "geometry",
    [
        line([113.93, 22.5, 4.5], [113.931, 22.5, 4.2]),
        line([[113.93, 22.5], [113.931, 22.5]], kind="MultiLineString"),
        line([[113.93, 22.5], [113.931, 22.5]], [[113.931, 22.5], [113.932, 22.5]], kind="MultiLineString"),
        line([113.93, 22.5], [113.931, 22.5], [113.931, 22.501], [113.93, 22.501], [113.93, 22.5]),
    ],
)
def test_heights_parts_that_meet_and_rings_are_taken(tmp_path: Path, geometry: Any) -> None:
    values = feature("GOOD", geometry)
    if geometry["type"] == "LineString" and len(geometry["coordinates"]) == 5:
        values["properties"]["终点点号"] = values["properties"]["起点点号"]
    assert errors(judge_features(tmp_path, values)) == []


def test_a_geojson_that_names_its_system_needs_no_declaration(tmp_path: Path) -> None:
    member = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert judge_features(tmp_path, crs="", member=1, crs_=member).needs_crs
    document = json.loads((tmp_path / "a.geojson").read_text())
    (tmp_path / "a.geojson").write_text(json.dumps({**document, "crs": member}))
    result = judge_delivery([tmp_path / "a.geojson"], today=TODAY)
    assert result.crs == "EPSG:4490" and errors(result) == []


def test_a_line_that_runs_from_end_to_start_is_turned_round(tmp_path: Path) -> None:
    known = {"BADa": (113.931, 22.52), "BADb": (113.93, 22.52)}
    (tmp_path / "a.geojson").write_text(
        json.dumps(
            {"type": "FeatureCollection", "features": [feature("BAD", line([113.93, 22.52], [113.931, 22.52]))]}
        ),
    )
    result = judge_delivery([tmp_path / "a.geojson"], "EPSG:4490", known_nodes=known, today=TODAY)
    pipe = next(r for r in result.records if isinstance(r, Pipe))
    assert pipe.geom.coordinates[0] == [113.931, 22.52] and errors(result) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, N - 2),
    st.integers(0, len(PIPE_HEAD) - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)
def test_no_text_in_any_cell_breaks_the_judge_or_harms_another_row(
    tmp_path: Path, row: int, column: int, value: str
) -> None:
    lines = pipes()
    lines[row][column] = '"' + value.replace('"', '""').replace("\x00", "") + '"'
    result = deliver(tmp_path, lines, points(), encoding="utf-8")
    assert {f.row for f in result.errors if f.file == "线.csv"} <= {row + 2, *range(row + 2, N + 2)}
    assert result.counts.accepted + result.counts.quarantined == result.counts.rows
