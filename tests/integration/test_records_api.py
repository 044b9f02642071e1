"""Filed records through the adapter API: the sample files as they are handed out, counted and receipted."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from ingestion_adapters.http.sample_files import FORMATS, sample_file
from ingestion_adapters.openapi import record_types
from ingestion_adapters.samples import SAMPLES
from ingestion_adapters.stores import FILED
from portal.config import Settings
from tests.integration.test_intake_api import NODE, Program


@pytest.fixture
def served(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program whose enterprise has the pipe and the user the samples speak of."""
    program = Program(app, settings, tmp_path)
    second = NODE | {"src_code": "J0002"}
    network = program.records("NET", NODE, second, SAMPLES["Pipe"], SAMPLES["Regulator"])
    users = program.records("USR", SAMPLES["User"])
    assert (network.json["rejected"], users.json["rejected"]) == (0, 0), (network.json, users.json)
    return program


@pytest.mark.clause("7.2.4.1-b")
@pytest.mark.parametrize("dataset", FILED)
@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_sample_file_is_taken_as_it_is_handed_out(served: Program, dataset: str, kind: str) -> None:
    body = sample_file(dataset, kind).encode()
    answer = served.push(dataset, body, Content_Type=FORMATS[kind].partition(";")[0])
    assert (answer.status_code, answer.json["accepted"]) == (200, len(record_types(dataset))), answer.json
    again = served.push(dataset, body, Content_Type=FORMATS[kind].partition(";")[0])
    assert again.json["duplicate"] == len(record_types(dataset)), again.json


def test_late_records_are_counted_for_the_hour(served: Program) -> None:
    served.push("HAZ", sample_file("HAZ", "json").encode())
    late = "select coalesce(sum(late), 0) from intake_hour where enterprise_id = :e and dataset = 'HAZ'"
    assert served.count(late) == 1


def test_findings_are_kept_with_their_rule_and_without_plain_names(served: Program) -> None:
    wrong = SAMPLES["HiddenDanger"] | {"deadline": "2026-05-01", "responsible": "诸葛孔明"}
    answer = served.records("HAZ", wrong)
    assert (answer.status_code, answer.json["rejections"][0]["code"]) == (422, "E_TIME")
    kept = "select count(*) from rejection where enterprise_id = :e and rule = 'HAZ-1' and raw like '%诸葛**%'"
    assert served.count(kept) == 1
    assert served.count("select count(*) from rejection where enterprise_id = :e and raw like '%孔明%'") == 0
