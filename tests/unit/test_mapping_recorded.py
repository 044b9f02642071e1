"""A recorded message of each enterprise that speaks its own words comes out as the rows written beside it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ingestion_adapters.checks import Finding, judge_row
from ingestion_adapters.contract.times import instant_ms
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.demo.words import mapping_body, said
from ingestion_adapters.mapping.form import read_mapping
from ingestion_adapters.mapping.forms import form_lines, merged, points_text
from ingestion_adapters.mapping.rules import PointFacts, Translation, translated, translation_of
from ingestion_adapters.mapping.services import understood_as
from ingestion_adapters.store_readings import RawReadings

DATA = Path(__file__).parents[1] / "data"
FIRMS = {"yunchuan": "YCRQ", "jiangbei": "JBRQ", "kaifaqu": "KFQRQ"}
TIMES = ("t", "raised_at", "cleared_at")


def spoken(firm: str, dataset: str) -> Translation:
    body, problems = read_mapping((DATA / firm / "mapping.json").read_bytes())
    assert body is not None and not problems
    facts = json.loads((DATA / firm / "points.json").read_text("utf-8"))
    found = translation_of(body, dataset, {code: PointFacts(*fact) for code, fact in facts.items()})
    assert found is not None
    return found


def message(firm: str, dataset: str) -> Rows:
    file = DATA / firm / f"{dataset}.json"
    if file.exists():
        return Rows(json.loads(file.read_text("utf-8"))["records"])
    text = (DATA / firm / f"{dataset}.csv").read_bytes().decode("gb18030")
    return Rows(list(csv.DictReader(io.StringIO(text, newline=""))), lax=True)


def figures(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its times as ms and its numbers to nine digits."""
    made = {name: instant_ms(value) if name in TIMES else value for name, value in row.items()}
    made |= {name: float(made[name]) for name in ("v", "value", "limit") if name in made}
    return {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in made.items()}


@pytest.mark.parametrize("firm", FIRMS)
@pytest.mark.parametrize("dataset", ["RT", "ALM"])
def test_a_recorded_message_comes_out_as_expected(firm: str, dataset: str) -> None:
    sent = message(firm, dataset)
    done = translated(sent.rows, spoken(firm, dataset))
    assert not done.refused
    expected = json.loads((DATA / firm / "expected.json").read_text("utf-8"))[dataset]
    plain = [{name: value for name, value in row.items() if value not in ("", None)} for row in done.rows]
    assert [figures(row) for row in plain] == [figures(row) for row in expected]
    assert not any(isinstance(judge_row(row, 0, dataset, lax=sent.lax), Finding) for row in plain)


@pytest.mark.parametrize("firm", ["yunchuan", "jiangbei"])
def test_recorded_readings_go_the_fast_way_in_columns(firm: str) -> None:
    columns = understood_as(message(firm, "RT"), spoken(firm, "RT"))
    assert isinstance(columns, RawReadings)
    expected = json.loads((DATA / firm / "expected.json").read_text("utf-8"))["RT"]
    assert [columns.points[place] for place in columns.which] == [row["point"] for row in expected]
    assert columns.v.tolist() == pytest.approx([row["v"] for row in expected], rel=1e-9)
    assert columns.q.tolist() == [row["q"] for row in expected]


@pytest.mark.parametrize(("firm", "key"), FIRMS.items())
def test_the_demo_still_speaks_as_recorded(firm: str, key: str) -> None:
    expected = json.loads((DATA / firm / "expected.json").read_text("utf-8"))["RT"]
    again = [{name: str(value) for name, value in row.items()} for row in said(key, "RT", expected)]
    sent = [{name: str(value) for name, value in row.items()} for row in message(firm, "RT").rows]
    assert again == sent
    held = json.loads((DATA / firm / "mapping.json").read_text("utf-8"))
    made = mapping_body(key)
    assert held["datasets"]["ALM"] == made["datasets"]["ALM"]
    assert held["datasets"]["RT"]["fields"] == made["datasets"]["RT"]["fields"]


def test_the_three_enterprises_share_no_field_name() -> None:
    names = [set(message(firm, "RT").rows[0]) for firm in FIRMS]
    assert not names[0] & names[1] and not names[1] & names[2] and not names[0] & names[2]


@pytest.mark.parametrize("key", FIRMS.values())
@pytest.mark.parametrize("dataset", ["RT", "ALM"])
def test_a_form_that_is_saved_as_it_opened_changes_nothing(key: str, dataset: str) -> None:
    body = mapping_body(key)
    form = {name: body[name] for name in ("name", "time", "offset")} | {"ignore": ""}
    for line in form_lines(body, dataset, "", "zh"):
        if line.kept:
            form[f"kept.{line.ours}"] = "1"
        form |= {f"from.{line.ours}": line.theirs, f"unit.{line.ours}": line.their_unit}
        form[f"words.{line.ours}"] = line.code_text
    if dataset == "RT":
        form["points"] = points_text(body)
        form |= {f"measure.{measure}": unit for measure, unit in body["datasets"]["RT"]["units"].items()}
    made = merged(body, dataset, "", form)["datasets"]
    for name, rules in body["datasets"].items():
        assert made[name] == {part: value for part, value in rules.items() if value}
