"""An enterprise's own words: rows put into ours and findings put back, without a database."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gis.crs import gcj02_from_cgcs2000
from ingestion_adapters.checks import Finding
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.mapping.form import read_mapping, schema
from ingestion_adapters.mapping.rules import PointFacts, told, translated, translation_of
from ingestion_adapters.mapping.services import understood_as
from ingestion_adapters.store_readings import RawReadings
from portal.core.units import linear

POINTS = {"S1.PI": PointFacts(1, "kPa"), "S1.TI": PointFacts(4, "℃")}
BODY: dict[str, Any] = {
    "format": 1,
    "name": "江北",
    "crs": "GCJ02",
    "time": "%Y/%m/%d %H:%M:%S",
    "datasets": {
        "RT": {
            "fields": {"point": "TAG", "t": "SJ", "v": "SZ", "q": {"from": "ZT", "words": {"好": 192, "坏": 0}}},
            "points": {"P-01": "S1.PI", "T-01": {"code": "S1.TI", "unit": "K"}},
            "units": {"1": "MPa"},
            "ignore": ["备注"],
        },
        "USR": {
            "fields": {
                "user_no": {"text": "U-{户号}"},
                "user_class": {"from": "类别", "words": {"居民": 10, "工业": 40}},
                "lon": "经度",
                "lat": "纬度",
                "name_masked": "姓名",
            }
        },
    },
}


def raw(rows: list[dict[str, Any]], dataset: str) -> Any:
    spoken = translation_of(BODY, dataset, POINTS)
    assert spoken is not None
    return translated(rows, spoken), spoken


def test_readings_come_out_in_our_words_and_units() -> None:
    row = {"TAG": "P-01", "SJ": "2026/11/25 10:00:00", "SZ": 0.31, "ZT": "好", "备注": "x"}
    done, _ = raw([row], "RT")
    assert done.rows == [{"point": "S1.PI", "t": "2026-11-25T10:00:00+08:00", "v": 310.0, "q": 192}]


def test_readings_as_columns_are_those_of_the_single_rows() -> None:
    rows = [
        {"TAG": tag, "SJ": f"2026/11/25 10:{minute:02d}:00", "SZ": value, "ZT": word}
        for minute in range(20)
        for tag, value, word in (("P-01", 0.312 + minute / 1000, "好"), ("T-01", 288.15, "坏"), ("X", 1, "好"))
    ]
    done, spoken = raw(rows, "RT")
    columns = understood_as(Rows(rows), spoken)
    assert isinstance(columns, RawReadings)
    assert [columns.points[place] for place in columns.which] == [row["point"] for row in done.rows]
    assert list(columns.t) == [row["t"] for row in done.rows]
    assert np.array_equal(columns.v, [row["v"] for row in done.rows])
    assert columns.q.tolist() == [row["q"] for row in done.rows]


def test_a_word_nobody_knows_refuses_its_row_with_their_word() -> None:
    rows = [{"TAG": "P-01", "SJ": "2026/11/25 10:00:00", "SZ": 0.3, "ZT": "不知道"}]
    done, spoken = raw(rows, "RT")
    (found,) = done.refused
    assert (found.code, found.field, found.row) == ("E_DICT", "ZT", 0)
    assert "不知道" in found.zh
    assert isinstance(understood_as(Rows(rows), spoken), Rows)


def test_places_come_out_in_cgcs2000() -> None:
    lon, lat = gcj02_from_cgcs2000(np.array([112.5]), np.array([32.0]))
    row = {"户号": "7", "类别": "居民", "经度": float(lon[0]), "纬度": str(lat[0]), "姓名": "张三"}
    done, _ = raw([row], "USR")
    assert done.rows[0]["user_no"] == "U-7"
    assert done.rows[0]["lon"] == pytest.approx(112.5, abs=1e-7)
    assert done.rows[0]["lat"] == pytest.approx(32.0, abs=1e-7)


def test_a_finding_names_their_field_and_hides_the_name_in_their_row() -> None:
    row = {"户号": "7", "类别": "居民", "经度": 1, "纬度": 2, "姓名": "张三"}
    _, spoken = raw([row], "USR")
    found = told(Finding(0, "E_RANGE", "“lon”不合理", "lon: not plausible", "lon"), row, spoken)
    assert (found.field, found.zh, found.en) == ("经度", "“经度”（lon）不合理", "经度 (lon): not plausible")
    assert found.raw is not None and "居民" in found.raw


def test_a_field_nobody_mentions_is_passed_on_so_that_the_contract_refuses_it() -> None:
    done, _ = raw([{"户号": "7", "类别": "居民", "经度": 1, "纬度": 2, "新字段": 3}], "USR")
    assert done.rows[0]["新字段"] == 3


@pytest.mark.parametrize("row", [None, 3, [], {}, {"户号": {}}, {"类别": []}, {"经度": float("nan")}, {"纬度": "x" * 99}])
def test_odd_rows_never_raise(row: Any) -> None:
    done, _ = raw([row], "USR")
    assert len(done.rows) + len(done.refused) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"format": 2, "name": "x"}, "format"),
        ({"format": 1, "name": "x", "crs": "EPSG:99999999"}, "crs"),
        ({"format": 1, "name": "x", "datasets": {"XYZ": {}}}, "XYZ"),
        ({"format": 1, "name": "x", "datasets": {"DAY": {"fields": {"nope": "a"}}}}, "nope"),
        ({"format": 1, "name": "x", "datasets": {"DAY": {"fields": {"sold_m3": {"from": "a", "unit": "kPa"}}}}}, "kPa"),
        ({"format": 1, "name": "x", "datasets": {"DAY": {"fields": {"sold_m3": {"from": "a", "text": "b"}}}}}, "exactly"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(body: dict[str, Any], words: str) -> None:
    _, problems = read_mapping(json.dumps(body).encode())
    assert words in " ".join(problems)


def test_the_schema_of_the_file_is_published_and_the_example_is_right() -> None:
    assert "MappingFile" in json.dumps(schema())
    assert read_mapping(json.dumps(BODY).encode())[1] == []


@pytest.mark.parametrize(
    ("given", "wanted", "value", "expected"),
    [("MPa", "kPa", 0.31, 310), ("万m³", "m³", 2, 20000), ("K", "℃", 273.15, 0), ("kgf/cm²", "MPa", 1, 0.0980665)],
)
def test_units_become_ours(given: str, wanted: str, value: float, expected: float) -> None:
    factor, offset = linear(given, wanted) or (0, 0)
    assert value * factor + offset == pytest.approx(expected)


def test_units_of_other_quantities_never_do() -> None:
    assert linear("kPa", "m³") is None
