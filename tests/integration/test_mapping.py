"""Enterprises that speak their own words, through the doors: stored in ours, findings in theirs, both kept."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.mapping.form import tags_of
from ingestion_adapters.mapping.queries import raw_message
from ingestion_adapters.mapping.services import save_mapping, sent_row
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.db import transaction
from portal.core.errors import Invalid
from tests.integration.test_intake_api import Program
from tests.people import browser_of, make_person

BODY: dict[str, Any] = {
    "format": 1,
    "name": "江北调度系统",
    "time": "%Y/%m/%d %H:%M:%S",
    "datasets": {
        "RT": {
            "fields": {"point": "TAG", "t": "SJ", "v": "SZ", "q": {"from": "ZT", "words": {"好": 192, "坏": 0}}},
            "points": {"压力一": "MZ01.PT101"},
            "units": {"1": "MPa"},
        },
        "DAY": {
            "fields": {
                "gas_day": {"from": "日期", "date": "%Y%m%d"},
                "purchased_m3": {"from": "购气", "unit": "万m3"},
                "sold_m3": {"from": "售气", "unit": "万m3"},
            }
        },
        "CHK": {"fields": {"inspector": "安检员", "user_no": "户号"}},
    },
}


def speak(program: Program, body: dict[str, Any]) -> int:
    """Save a mapping of the program's enterprise; return its number."""
    with transaction(program.settings, CITY, worker=True) as session:
        file = json.dumps(body).encode()
        given = utc_now() - timedelta(seconds=1)
        return save_mapping(session, program.enterprise_id, file, note="", valid_from=given, actor=cli_actor()).id


@pytest.fixture
def speaker(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program with a station and a point, whose enterprise words its readings and days its own way."""
    made = Program(app, settings, tmp_path)
    network = [SAMPLES["Node"], SAMPLES["Node"] | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"]]
    assert made.records("NET", *network).json["accepted"] == 4
    speak(made, BODY)
    return made


def their_reading(value: float = 0.31, seconds_ago: float = 5, **more: Any) -> dict[str, Any]:
    at = datetime.now(CITY_ZONE) - timedelta(seconds=seconds_ago)
    return {"TAG": "压力一", "SJ": at.strftime("%Y/%m/%d %H:%M:%S"), "SZ": value, "ZT": "好"} | more


def kept(program: Program, receipt_id: int, number: int) -> Any:
    with transaction(program.settings, CITY, worker=True) as session:
        found = raw_message(session, receipt_id)
        return None if found is None else sent_row(found, number)


def test_a_reading_in_their_words_is_stored_in_ours_and_kept_as_sent(speaker: Program) -> None:
    sent = their_reading()
    answer = speaker.records("RT", sent)
    assert (answer.status_code, answer.json["accepted"]) == (200, 1), answer.json
    with transaction(speaker.settings, CITY, worker=True) as session:
        unit = session.scalar(text("select unit from point where enterprise_id = :e"), {"e": speaker.enterprise_id})
    expected = 310.0 if unit == "kPa" else 0.31
    stored = speaker.count(
        f"select count(*) from latest l join point p on p.id = l.point_id where p.enterprise_id = :e and l.value = {expected}"
    )
    assert stored == 1
    assert kept(speaker, answer.json["receipt_id"], 0) == sent


def test_columns_with_their_points_and_units_are_stored_in_ours(speaker: Program) -> None:
    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    body = {"points": ["压力一"], "p": [0, 0], "t": [now_ms - 2000, now_ms - 1000], "v": [0.311, 0.312]}
    answer = speaker.push("RT", json.dumps(body).encode())
    assert answer.json["accepted"] == 2, answer.json
    sent = kept(speaker, answer.json["receipt_id"], 1)
    assert (sent["point"], sent["v"]) == ("压力一", 0.312)


def test_findings_name_their_field_their_word_and_their_point(speaker: Program) -> None:
    answer = speaker.records(
        "RT", their_reading(ZT="不知道"), their_reading(TAG="无此点"), their_reading(seconds_ago=-4000), their_reading()
    )
    found = {each["row"]: each for each in answer.json["rejections"]}
    assert (answer.json["accepted"], sorted(found)) == (1, [0, 1, 2])
    assert (found[0]["code"], found[0]["field"]) == ("E_DICT", "ZT") and "不知道" in found[0]["message"]
    assert (found[1]["code"], found[1]["field"]) == ("E_UNKNOWN_OBJECT", "TAG") and "无此点" in found[1]["message"]
    assert (found[2]["code"], found[2]["field"]) == ("E_FUTURE", "SJ")
    detail = speaker.call("GET", f"/api/v1/receipts/{answer.json['receipt_id']}").json["rejections"]
    assert "不知道" in detail[0]["raw"] and "TAG" in detail[0]["raw"]


def test_days_in_ten_thousands_of_cubic_metres_come_out_in_cubic_metres(speaker: Program) -> None:
    row = {"日期": "20261101", "购气": 12.5, "售气": "12"}
    assert speaker.records("DAY", row).json["accepted"] == 1
    csv = "日期,购气,售气\r\n20261102,12.5,12\r\n".encode()
    assert speaker.push("DAY", csv, Content_Type="text/csv").json["accepted"] == 1
    wanted = "select count(*) from daily_supply where enterprise_id = :e and purchased_m3 = 125000 and sold_m3 = 120000"
    assert speaker.count(wanted) == 2


def test_names_of_people_are_masked_in_what_is_kept_as_sent(speaker: Program) -> None:
    answer = speaker.records("CHK", {"check_no": "C1", "户号": "U1", "安检员": "张三丰"})
    assert kept(speaker, answer.json["receipt_id"], 0)["安检员"] == "张*"


def test_an_enterprise_without_a_mapping_keeps_nothing_beside_its_rows(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    plain = Program(app, settings, tmp_path)
    answer = plain.records("DAY", SAMPLES["DailySupply"])
    assert answer.json["accepted"] == 1
    assert kept(plain, answer.json["receipt_id"], 0) is None


def test_the_newest_valid_version_holds_and_versions_are_never_changed(speaker: Program) -> None:
    with transaction(speaker.settings, CITY, worker=True) as session:
        later = json.dumps(BODY | {"datasets": {}}).encode()
        made = save_mapping(
            session,
            speaker.enterprise_id,
            later,
            note="",
            valid_from=utc_now() + timedelta(days=1),
            actor=cli_actor(),
        )
        assert made.version == 2
    assert speaker.records("RT", their_reading()).json["accepted"] == 1
    with (
        pytest.raises(DBAPIError, match="permission|never changed"),
        transaction(speaker.settings, CITY, worker=True) as session,
    ):
        session.execute(text("update enterprise_mapping set note = 'x'"))


def test_a_wrong_mapping_is_not_saved(speaker: Program) -> None:
    with pytest.raises(Invalid):
        speak(speaker, {"format": 1, "name": "x", "datasets": {"DAY": {"fields": {"nope": "a"}}}})


def test_messages_as_sent_are_retired_after_their_days_and_never_before_thirty(speaker: Program) -> None:
    speaker.records("RT", their_reading())
    with transaction(speaker.settings, CITY, worker=True) as session:
        assert session.scalar(text("select retire_raw_messages(30)")) == 0
    with pytest.raises(DBAPIError), transaction(speaker.settings, CITY, worker=True) as session:
        session.execute(text("select retire_raw_messages(29)"))


def pages(app: Flask, program: Program, role: Role = Role.ENTERPRISE_MANAGER) -> FlaskClient:
    """Return a browser of one of the enterprise's people, or of the city."""
    with transaction(program.settings, CITY, worker=True) as session:
        own = program.enterprise_id if role == Role.ENTERPRISE_MANAGER else None
        return browser_of(session, app, make_person(session, app, role, enterprise_id=own))


def test_a_message_is_tried_on_the_page_before_anything_is_saved(app: Flask, speaker: Program) -> None:
    browser, path = pages(app, speaker), f"/intake/mappings/{speaker.enterprise_id}"
    form = {
        "dataset": "DAY",
        "name": "新写法",
        "from.gas_day": "天",
        "from.purchased_m3": "买",
        "unit.purchased_m3": "万m3",
        "from.sold_m3": "卖",
        "do": "try",
        "message": json.dumps({"records": [{"天": "2026-11-01", "买": 2, "卖": 1}, {"天": "x", "买": 2, "卖": 1}]}),
    }
    page = browser.post(path, data=form).get_data(as_text=True)
    assert "&#34;purchased_m3&#34;: 20000.0" in page or '"purchased_m3": 20000.0' in page
    assert "E_SCHEMA" in page and "“天”" in page
    assert speaker.count("select count(*) from enterprise_mapping where enterprise_id = :e") == 1
    assert speaker.count("select count(*) from daily_supply where enterprise_id = :e") == 0
    assert browser.post(path, data=form | {"do": "save"}).status_code == 302
    body = browser.get(f"{path}/file.json").json
    assert body["datasets"]["DAY"]["fields"]["purchased_m3"] == {"from": "买", "unit": "万m3"}
    assert body["datasets"]["RT"] == BODY["datasets"]["RT"], "other datasets stay as they were"


def test_a_reading_is_tried_on_the_page_without_a_trace(app: Flask, speaker: Program) -> None:
    path = f"/intake/mappings/{speaker.enterprise_id}"
    form = {"dataset": "RT", "name": "n", "do": "try", "message": json.dumps([their_reading(ZT="乱")])}
    held = pages(app, speaker).get(f"{path}?dataset=RT").get_data(as_text=True)
    assert "压力一 = MZ01.PT101" in held
    page = pages(app, speaker, Role.CITY_REGULATOR).post(path, data=form).get_data(as_text=True)
    assert "乱" in page
    assert speaker.count("select count(*) from receipt where enterprise_id = :e and dataset = 'RT'") == 0


def test_a_file_takes_the_place_of_the_form_and_a_wrong_one_is_refused_with_the_place(
    app: Flask, speaker: Program
) -> None:
    browser, path = pages(app, speaker), f"/intake/mappings/{speaker.enterprise_id}"

    def sent(body: dict[str, Any]) -> Any:
        file = (io.BytesIO(json.dumps(body).encode()), "m.json")
        return browser.post(path, data={"file": file, "do": "save"}, content_type="multipart/form-data")

    wrong = sent({"format": 1, "name": "x", "datasets": {"DAY": {"fields": {"nope": "a"}}}})
    assert wrong.status_code == 422
    assert "nope" in wrong.get_data(as_text=True)
    assert sent(BODY | {"name": "由文件"}).status_code == 302
    assert browser.get(f"{path}/file.json").json["name"] == "由文件"


def test_the_receipt_shows_a_row_as_sent_beside_as_understood(app: Flask, speaker: Program) -> None:
    answer = speaker.records("RT", their_reading())
    number = answer.json["receipt_id"]
    browser = pages(app, speaker)
    assert f"/intake/receipts/{number}/sent" in browser.get(f"/intake/receipts/{number}").get_data(as_text=True)
    page = browser.get(f"/intake/receipts/{number}/sent?row=0").get_data(as_text=True)
    assert "压力一" in page and "MZ01.PT101" in page
    stranger = Program(app, speaker.settings, Path(speaker.signer.queue_path).parent)
    assert pages(app, stranger).get(f"/intake/receipts/{number}/sent").status_code == 404
    assert pages(app, stranger).get(f"/intake/mappings/{speaker.enterprise_id}").status_code == 404


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_the_form_of_every_dataset_opens(app: Flask, speaker: Program, dataset: str) -> None:
    browser = pages(app, speaker)
    for tag in ["", *tags_of(dataset)]:
        path = f"/intake/mappings/{speaker.enterprise_id}?dataset={dataset}&type={tag}"
        assert browser.get(path).status_code == 200
