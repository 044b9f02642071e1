"""Judging rows: each defect gets its code, its field and words in both languages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion_adapters.checks import Finding, instant_ms, instant_of, judge_row, raw_text
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.bodies import payload_of
from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.http.sample_files import sample_file
from ingestion_adapters.instants import instants_ms
from ingestion_adapters.intake import Rows
from ingestion_adapters.openapi import record_types

PIPE = SAMPLES["Pipe"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_samples_of_the_documentation_are_accepted(dataset: str) -> None:
    for kind in record_types(dataset):
        assert isinstance(judge_row(SAMPLES[kind.__name__], 0, dataset), kind)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"material": 98}, "E_DICT", "material"),
        ({"material": 10**40}, "E_DICT", "material"),
        ({"od_mm": -1}, "E_SCHEMA", "od_mm"),
        ({"od_mm": "219"}, "E_SCHEMA", "od_mm"),
        ({"colour": "red"}, "E_SCHEMA", "colour"),
        ({"src_code": ""}, "E_SCHEMA", "src_code"),
        ({"src_code": "a\x00b"}, "E_SCHEMA", "src_code"),
        ({"wall_mm": float("inf")}, "E_RANGE", "wall_mm"),
        ({"install_year": 12}, "E_RANGE", "install_year"),
        ({"install_year": 10**20}, "E_RANGE", "install_year"),
        ({"geom": None}, "E_GEOMETRY", "geom"),
        ({"geom": {"type": "LineString", "coordinates": []}}, "E_GEOMETRY", "geom"),
        ({"geom": {"type": "LineString", "coordinates": [[104.0, 30.6], [104.0, 30.6]]}}, "E_GEOMETRY", "geom"),
        (
            {"geom": {"type": "LineString", "coordinates": [[500000.0, 3390000.0], [500010.0, 3390010.0]]}},
            "E_CRS",
            "geom",
        ),
        ({"type": "XXX"}, "E_SCHEMA", "type"),
    ],
)
def test_each_defect_of_a_pipe_has_its_code(change: dict[str, Any], code: str, field: str) -> None:
    found = judge_row(PIPE | change, 7, "NET")
    assert isinstance(found, Finding)
    assert (found.code, found.field, found.row) == (code, field, 7)
    assert found.zh and found.en and found.zh != found.en and found.raw


def test_projected_coordinates_of_a_point_object_are_named() -> None:
    found = judge_row(SAMPLES["Node"] | {"lon": 500000.0, "lat": 3390000.0}, 0, "NET")
    assert isinstance(found, Finding) and found.code == "E_CRS"


def test_a_missing_field_is_named() -> None:
    found = judge_row({key: value for key, value in PIPE.items() if key != "to_node"}, 0, "NET")
    assert isinstance(found, Finding) and (found.code, found.field) == ("E_SCHEMA", "to_node")


def test_csv_rows_are_read_from_text() -> None:
    row = {"type": "PIP", **{k: str(v) for k, v in PIPE.items() if k not in ("geom", "type")}, "wall_mm": ""}
    row["geom"] = "LINESTRING(104.06512 30.65731, 104.06633 30.65802)"
    assert not isinstance(judge_row(row, 0, "NET", lax=True), Finding)
    assert not isinstance(judge_row(row | {"geom": json.dumps(PIPE["geom"])}, 0, "NET", lax=True), Finding)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=20,
    )
)
def test_no_row_whatever_breaks_the_judge(row: object) -> None:
    for dataset in DATASETS:
        found = judge_row(row, 0, dataset)
        assert isinstance(found, Finding)
        raw_text(row).encode()


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["seconds", "milliseconds", "microseconds", "minutes"]),
)
def test_times_are_read_the_same_one_by_one_and_by_the_thousand(at: datetime, offset: int, digits: str) -> None:
    from datetime import timezone

    text = at.replace(tzinfo=timezone(timedelta(minutes=offset))).isoformat(timespec=digits)
    ms, good = instants_ms([text, text])
    assert good.all() and ms[0] == instant_ms(text)
    zulu = at.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    assert instants_ms([zulu])[0][0] == instant_ms(zulu)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-06-01T08:00:00", "2026-02-30T08:00:00Z", "2026-06-01T24:01:00Z", "2026-06-01T08:61:00+08:00",
     "２０２６-06-01T08:00:00Z", "99999999999999999999", -(10**30)],
)  # fmt: skip
def test_unreadable_times_are_told(text: str | int) -> None:
    ms, good = instants_ms([text])
    assert not good[0] and instant_of(text) is None


def test_mixed_times_keep_their_places() -> None:
    ms, good = instants_ms(["2026-06-01T00:00:00Z", 1780272000000, "no", "2026-06-01T08:00:00+08:00"])
    assert good.tolist() == [True, True, False, True]
    assert ms[0] == ms[3] == np.int64(1780272000000) == ms[1]


@pytest.mark.parametrize("dataset", list(DATASETS))
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_sample_files_are_accepted(dataset: str, kind: str) -> None:
    text = sample_file(dataset, kind).encode()
    payload = payload_of(dataset, {"csv": "text/csv", "json": "application/json"}[kind], text)
    if not isinstance(payload, Rows):
        assert payload.rows == 1
        return
    judged = [judge_row(row, index, dataset, lax=payload.lax) for index, row in enumerate(payload.rows)]
    assert [each for each in judged if isinstance(each, Finding)] == []
