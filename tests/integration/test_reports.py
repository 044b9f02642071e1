"""The evaluation on PostGIS: figures against pandas, the PDF against SQL, archive, verification, pages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import Actor, Scope, cli_actor
from portal.core.db import transaction
from portal.core.errors import Invalid, NotFound
from reports import archive
from reports.builders.evaluation import collect, snapshot_digest
from reports.document import PARTS
from reports.orders import work_off
from reports.services import Order, make_report, verify_file
from reports.wording import wording
from tests.factories import make_enterprise, make_pipe, make_point
from tests.people import browser_of, make_person

MONTH = date(2026, 10, 1)
BEGIN = datetime(2026, 9, 30, 16, tzinfo=UTC)
HOURS = 31 * 24
NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
POINTS = 6
LIMITED = 4


def readings_of(points: list[int]) -> pd.DataFrame:
    """Return a month of hourly figures with gaps, bad and late readings, from a fixed seed."""
    dice = np.random.default_rng(20261001)
    frame = pd.DataFrame([(point, hour) for point in points for hour in range(HOURS)], columns=["point_id", "n"])
    frame["readings"] = 12 - (dice.random(len(frame)) < 0.1) * dice.integers(0, 12, len(frame))
    frame = frame[dice.random(len(frame)) > 0.02].copy()
    frame["valid"] = (frame.readings - dice.integers(0, 2, len(frame))).clip(lower=0)
    frame["in_time"] = (frame.readings - dice.integers(0, 3, len(frame))).clip(lower=0)
    frame["in_limits"] = (frame.valid - (dice.random(len(frame)) < 0.05)).clip(lower=0)
    return frame.astype(int)


def city(session: Session) -> tuple[int, pd.DataFrame]:
    """Make an enterprise with points, hourly figures, alarms, cases, volumes; return it and its frame."""
    firm = make_enterprise(session, licence_no="K1", licence_expire_on=date(2027, 1, 1))
    make_pipe(session, firm, install_year=1988)
    points = []
    for place in range(POINTS):
        limits: dict[str, Any] = {} if place < LIMITED else {"measure": 2, "low": None, "high": None}
        points.append(make_point(session, firm, valid_from=BEGIN - timedelta(days=9), **limits).id)
    frame = readings_of(points[:-1])
    rows = [
        {**row, "hour": BEGIN + timedelta(hours=row["n"])} for row in frame.to_dict("records")  # type: ignore[dict-item]
    ]
    session.execute(text("select ensure_reading_month(:day)"), {"day": BEGIN.date()})
    session.execute(text("select ensure_reading_month(:day)"), {"day": max(row["hour"] for row in rows).date()})
    session.execute(
        text(
            "insert into reading_hour (point_id, hour, low, high, mean, last, readings, valid, in_time, in_limits)"
            " values (:point_id, :hour, 2, 2.5, 2.2, 2.3, :readings, :valid, :in_time, :in_limits)"
        ),
        rows,
    )
    receipts(session, firm.id)
    leaks_and_alarms(session, firm.id)
    session.execute(
        text(
            "insert into daily_supply"
            " (enterprise_id, gas_day, purchased_m3, sold_m3, linepack_m3, own_use_m3, receipt_id)"
            " select :e, d, 10000, 9600, 500 + extract(day from d), 20, 1"
            " from generate_series(date '2026-09-30', date '2026-10-31', interval '1 day') d"
        ),
        {"e": firm.id},
    )
    return firm.id, frame


def receipts(session: Session, enterprise_id: int) -> None:
    """Add one delivery of network data and one of readings with refused rows."""
    for dataset, rows, rejected in (("NET", 200, 5), ("RT", 5000, 321)):
        session.execute(
            text(
                "insert into receipt (enterprise_id, dataset, batch_id, door, status, body_sm3, body_bytes, rows,"
                " accepted, duplicate, rejected, received_at)"
                " values (:e, :d, :d, 'cli', 'taken', '', 1, :r, :a, 0, :j, :at)"
            ),
            {
                "e": enterprise_id,
                "d": dataset,
                "r": rows,
                "a": rows - rejected,
                "j": rejected,
                "at": BEGIN + timedelta(days=3),
            },
        )


def leaks_and_alarms(session: Session, enterprise_id: int) -> None:
    """Add ten level 1 gas alarms: eight acknowledged in time, nine true; repaired after 2, 4 … 18 h, 30 h."""
    for place in range(10):
        at = BEGIN + timedelta(days=place + 1)
        alarm = session.execute(
            text(
                "insert into alarm (enterprise_id, source, kind, level, object_code, raised_at)"
                " values (:e, 'rule', 16, 1, 'X', :at) returning id"
            ),
            {"e": enterprise_id, "at": at},
        ).scalar_one()
        seen = at + timedelta(minutes=10 if place < 8 else 50)
        session.execute(
            text(
                "insert into alarm_now (alarm_id, enterprise_id, kind, level, historical, state, verdict,"
                " raised_at, acknowledged_at)"
                " values (:a, :e, 16, 1, false, 2, :v, :at, :seen)"
            ),
            {"a": alarm, "e": enterprise_id, "v": 1 if place < 9 else 2, "at": at, "seen": seen},
        )
        session.execute(
            text(
                "insert into supervision_case (case_no, enterprise_id, alarm_id, case_class, level, title, state,"
                " opened_at, due_at, closed_at) values (:n, :e, :a, 1, 1, '泄漏', 70, :at, :due, :closed)"
            ),
            {"n": f"T{enterprise_id}-{place}", "e": enterprise_id, "a": alarm, "at": at,
             "due": at + timedelta(hours=15), "closed": at + timedelta(hours=30 if place == 8 else 2 * place + 2)},
        )


def value_of(snapshot: dict[str, Any], indicator: str) -> float:
    """Return the value of one indicator."""
    return float(next(row["value"] for row in snapshot["indicators"] if row["id"] == indicator))


@pytest.mark.clause("10.2-8d")
def test_indicators_equal_a_second_computation_with_pandas(db: Session) -> None:
    enterprise_id, frame = city(db)
    snapshot = collect(db, enterprise_id, MONTH, now=NOW).snapshot()
    expected = POINTS * HOURS * 12
    minutes = (frame.in_time * 5).clip(upper=60).sum()
    limited = frame[frame.point_id < sorted(frame.point_id.unique())[LIMITED]]
    pandas = {
        "D1": 100 * minutes / (POINTS * HOURS * 60),
        "D2": 100 * frame.in_time.sum() / frame.readings.sum(),
        "D3": 100 * frame.valid.sum() / expected,
        "D4": 100 * frame.valid.sum() / (frame.readings.sum() + 321),
        "D6": 97.5,
        "A1": 80.0,
        "A2": 70.0,
        "A3": 10.0,
        "S5": 100 * 8 / 9,
        "O1": 100 * limited.in_limits.sum() / limited.valid.sum(),
        "O5": 100 * (310000 - 297600 - 620 - (531 - 530)) / 310000,
        "P1": 100.0,
    }
    assert {name: value_of(snapshot, name) for name in pandas} == pytest.approx(pandas, abs=1e-5)
    assert snapshot["leaks"]["mean_repair_h"] == pytest.approx((sum(range(2, 17, 2)) + 30) / 9)


@pytest.mark.clause("10.2-8d")
def test_completeness_grid_adds_up_to_the_indicator(db: Session) -> None:
    enterprise_id, frame = city(db)
    snapshot = collect(db, enterprise_id, MONTH, now=NOW).snapshot()
    assert len(snapshot["heat"]) == 31
    shares = [share for day in snapshot["heat"] for share in day["hours"]]
    assert len(shares) == HOURS
    assert np.mean(shares) == pytest.approx(value_of(snapshot, "D3"), abs=1e-4)


def test_without_data_there_is_no_number_but_a_reason(db: Session) -> None:
    firm = make_enterprise(db)
    snapshot = collect(db, firm.id, MONTH, now=NOW).snapshot()
    assert all(row["value"] is None and row["reason"] for row in snapshot["indicators"])
    assert snapshot["total"]["score"] is None


def test_a_silent_point_counts_as_offline_and_not_as_missing(db: Session) -> None:
    firm = make_enterprise(db)
    make_point(db, firm, valid_from=BEGIN)
    snapshot = collect(db, firm.id, MONTH, now=NOW).snapshot()
    assert value_of(snapshot, "D1") == 0
    assert value_of(snapshot, "D3") == 0


@pytest.mark.clause("10.2-6b")
def test_agreed_limits_targets_and_weights_come_from_the_parameters(db: Session) -> None:
    enterprise_id, _ = city(db)
    db.execute(
        text(
            "insert into parameter (key, value, zh, en, source) values"
            " ('evaluation.A1.target', 80, '', '', 'agreement 7'), ('alarm.ack_limit_min', 60, '', '', 'agreement 7')"
            " on conflict (key) do update set value = excluded.value, source = excluded.source"
        )
    )
    snapshot = collect(db, enterprise_id, MONTH, now=NOW).snapshot()
    row = next(each for each in snapshot["indicators"] if each["id"] == "A1")
    assert (row["value"], row["target"], row["source"]) == (100, 80, "agreement 7")
    assert snapshot["limits"]["ack_limit_min"] == 60


def test_a_month_that_has_not_begun_and_an_unknown_enterprise_are_refused(db: Session) -> None:
    with pytest.raises(Invalid, match="period_not_begun"):
        collect(db, make_enterprise(db).id, date(2027, 1, 1), now=NOW)
    with pytest.raises(NotFound):
        collect(db, 2_000_000_000, MONTH, now=NOW)


def test_the_same_data_give_the_same_snapshot(db: Session) -> None:
    enterprise_id, _ = city(db)
    first, second = (collect(db, enterprise_id, MONTH, now=NOW).snapshot() for _ in range(2))
    assert snapshot_digest(first) == snapshot_digest(second)


def squeezed(words: str) -> str:
    """Return a text without white space, as line ends in a PDF are layout."""
    return re.sub(r"\s+", "", words)


def fonts_of(reader: PdfReader) -> dict[str, bool]:
    """Return the names of the fonts on all pages and whether each is embedded."""
    found = {}
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():  # type: ignore[union-attr]
            below = font.get_object().get("/DescendantFonts")
            inner = below.get_object()[0].get_object() if below else font.get_object()
            about = inner["/FontDescriptor"].get_object()
            found[str(about["/FontName"])] = any(key in about for key in ("/FontFile", "/FontFile2", "/FontFile3"))
    return found


@pytest.mark.clause("10.2-7c", "10.2-8a", "10.2-8b", "10.2-8c", "10.2-8e", "10.2-8f", "10.2-8g")
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_pdf_has_seven_parts_pages_fonts_and_the_figures(db: Session, settings: Settings, language: str) -> None:
    enterprise_id, _ = city(db)
    order = Order("evaluation", enterprise_id, MONTH, language)
    made = make_report(db, order, settings=settings, actor=cli_actor(), now=NOW)
    reader = PdfReader(io.BytesIO(made.pdf))
    pages = [squeezed(page.extract_text()) for page in reader.pages]
    whole, say = "".join(pages), wording(language)
    at = [whole.rindex(squeezed(say(part))) for part in PARTS]
    assert at == sorted(at)
    for row in made.snapshot["indicators"]:
        if row["value"] is not None:
            assert f"{row['value']:,.2f}{row['unit']}" in whole
    assert f"{made.score:.1f}" in pages[0]
    for number, page in enumerate(pages[1:], start=2):
        assert squeezed(f"{say('Page')}{number}{say('of')}{len(pages)}{say('pages')}") in page
        assert made.verify_code in page
    assert made.snapshot_sm3 in whole
    fonts = fonts_of(reader)
    assert any("NotoSansCJK" in name.replace("-", "") for name in fonts)
    assert all(fonts.values())


def test_versions_count_up_and_a_changed_byte_is_found(db: Session, settings: Settings) -> None:
    enterprise_id, _ = city(db)
    order = Order("evaluation", enterprise_id, MONTH)
    first, second = (make_report(db, order, settings=settings, actor=cli_actor(), now=NOW) for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    assert first.snapshot_sm3 == second.snapshot_sm3 == snapshot_digest(first.snapshot)
    assert verify_file(db, first.pdf).result == "true"
    spoilt = bytearray(first.pdf)
    spoilt[len(spoilt) // 2] ^= 1
    verdict = verify_file(db, bytes(spoilt))
    assert verdict.result == "changed"
    assert verdict.report is not None and verdict.report.id == first.id
    assert verify_file(db, first.pdf + b"\n").result == "changed"
    assert verify_file(db, b"%PDF-1.7 something else").result == "unknown"
    assert verify_file(db, b"").result == "unknown"


def test_a_report_cannot_be_changed_or_deleted(committed: Callable[..., Any], settings: Settings) -> None:
    def make(session: Session) -> int:
        order = Order("evaluation", make_enterprise(session).id, MONTH)
        return int(make_report(session, order, settings=settings, actor=cli_actor(), now=NOW).id)

    report_id = committed(make)
    for statement in ("update report set score = 100 where id = :id", "delete from report where id = :id"):
        with pytest.raises(DBAPIError):
            committed(lambda session, said=statement: session.execute(text(said), {"id": report_id}))


def test_another_enterprise_sees_neither_the_report_nor_its_verdict(
    committed: Callable[..., Any], settings: Settings
) -> None:
    def make(session: Session) -> tuple[int, bytes, int]:
        order = Order("evaluation", make_enterprise(session).id, MONTH)
        made = make_report(session, order, settings=settings, actor=cli_actor(), now=NOW)
        return made.id, made.pdf, make_enterprise(session).id

    report_id, pdf, other = committed(make)
    stranger = Actor("user", None, "x", scope=Scope(enterprise_ids=frozenset({other})))
    with transaction(settings, stranger.scope) as session:
        assert verify_file(session, pdf).result == "unknown"
        with pytest.raises(NotFound):
            archive.report(session, report_id)


@pytest.mark.clause("10.2-7c")
def test_an_officer_makes_reads_downloads_and_verifies_a_report(
    committed: Callable[..., Any], app: Flask, settings: Settings
) -> None:
    enterprise_id = committed(lambda session: city(session)[0])
    browser = committed(lambda session: browser_of(session, app, make_person(session, app)))
    answer = browser.post("/reports", data={"enterprise": enterprise_id, "period": "2026-10", "language": "zh_CN"})
    assert answer.status_code == 303
    work_off(settings)
    address = browser.get(answer.headers["Location"]).headers["Location"]
    page = browser.get(address)
    assert page.status_code == 200
    assert " style=" not in page.get_data(as_text=True)
    file = browser.get(f"{address}.pdf")
    assert file.mimetype == "application/pdf"
    verdict = browser.post("/reports/verify", data={"file": (io.BytesIO(file.data), "a.pdf")})
    assert "notice-ok" in verdict.get_data(as_text=True)
    changed = browser.post("/reports/verify", data={"file": (io.BytesIO(file.data + b"x"), "a.pdf")})
    assert "notice-bad" in changed.get_data(as_text=True)
    for path in ("/reports", f"/reports?enterprise={enterprise_id}", "/evaluation", "/evaluation?month=2026-10"):
        assert browser.get(path).status_code == 200
    report_id = address.rsplit("/", 1)[1]
    taken = committed(
        lambda session: session.scalar(
            text("select count(*) from audit_entry where action = 'report.download' and object_id = :id"),
            {"id": report_id},
        )
    )
    assert taken == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [({}, 422), ({"enterprise": "1", "period": "soon"}, 422), ({"enterprise": "999999", "period": "2026-10"}, 404)],
)
def test_a_senseless_order_is_refused_in_words(
    committed: Callable[..., Any], app: Flask, data: dict[str, str], status: int
) -> None:
    browser = committed(lambda session: browser_of(session, app, make_person(session, app)))
    assert browser.post("/reports", data=data).status_code == status


def test_an_enterprise_may_read_but_not_make(committed: Callable[..., Any], app: Flask) -> None:
    def enter(session: Session) -> Any:
        own = make_enterprise(session).id
        return browser_of(session, app, make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=own)), own

    browser, own = committed(enter)
    assert browser.get("/reports").status_code == 200
    assert browser.post("/reports", data={"enterprise": own, "period": "2026-10"}).status_code == 403
