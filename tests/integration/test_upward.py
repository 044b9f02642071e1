"""Forwarding to the province: a small receiver plays it, checks the signature and can be down, busy or strict."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.pull import fetch
from ingestion_adapters.pull.rules import allowed_from
from ingestion_adapters.signing import matches, sm3_hex, string_to_sign
from ingestion_adapters.upward.jobs import collect_upward, send_due
from ingestion_adapters.upward.services import Wish, put_superior, send_again, set_state
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import gas_day, utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid
from tests.integration.test_intake_api import Program

KEY = "province-key-of-this-test-0123456789"


@dataclass
class Province:
    """What the province saw, and how it behaves."""

    port: int = 0
    mode: str = "good"
    batches: dict[str, tuple[str, list[dict[str, Any]]]] = field(default_factory=dict)
    pushes: int = 0

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer one push as the adapter API would."""
        self.pushes += 1
        if self.mode == "busy":
            return 503, {"code": "busy"}
        said = string_to_sign("POST", path, headers["X-Timestamp"], headers["X-Nonce"], sm3_hex(body))
        if not matches(KEY.encode(), (said,), headers["X-Sign"]):
            return 401, {"code": "E_SIGN"}
        if self.mode == "strict":
            return 400, {"code": "E_SCHEMA"}
        batch_id, digest = headers["X-Batch-Id"], sm3_hex(body)
        known = self.batches.get(batch_id)
        if known and known[0] != digest:
            return 409, {"code": "E_BATCH_CONFLICT"}
        self.batches[batch_id] = (digest, json.loads(body)["records"])
        if self.mode == "odd":
            return 200, {"receipt_id": len(self.batches), "note": "a\0b"}
        if self.mode == "lost":
            return 500, {"code": "lost after storing"}
        return 200, {
            "receipt_id": len(self.batches),
            "accepted": len(self.batches[batch_id][1]),
            "replayed": bool(known),
        }

    def records(self, dataset: str) -> list[dict[str, Any]]:
        """Return what the province holds of a dataset."""
        return [row for name, (_, rows) in self.batches.items() if f"-{dataset}-" in name for row in rows]


@pytest.fixture
def province() -> Iterator[Province]:
    """Run a province."""
    found = Province()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = found.answer(self.path, self.headers, body)
            words = json.dumps(answer).encode()
            if found.mode == "drip":
                self.send_response(status)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                with suppress(OSError):
                    for _ in range(100):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(0.1)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


class City:
    """The city's side: a superior of its own and the two jobs."""

    def __init__(self, settings: Settings, province: Province) -> None:
        self.settings = replace(settings, upward_hosts="127.0.0.1")
        wish = Wish(f"省平台{secrets.token_hex(4)}", f"http://127.0.0.1:{province.port}", "city-1", KEY, ["ALM", "DAY"])
        self.wish = wish
        with self.work() as session:
            _stop_all(session)
            self.superior_id = put_superior(
                session, wish, superior_id=None, settings=self.settings, now=utc_now(), actor=cli_actor()
            ).id

    def work(self) -> Any:
        return transaction(self.settings, CITY, worker=True)

    def turn(self, after: timedelta = timedelta(0)) -> int:
        now = utc_now() + after
        with self.work() as session:
            collect_upward(session, now)
        return send_due(self.settings, allowed_from(self.settings.upward_hosts), now)

    def states(self) -> dict[str, int]:
        with self.work() as session:
            rows = session.execute(
                text("select state, count(*) from upward_batch where superior_id = :s group by 1"),
                {"s": self.superior_id},
            )
            return {state: number for state, number in rows}  # noqa: C416


def _stop_all(session: Any) -> None:
    session.execute(text("update superior set state = 'stopped'"))


@pytest.fixture
def city(settings: Settings, province: Province) -> Iterator[City]:
    """Give the city's side; its superior is stopped afterwards."""
    found = City(settings, province)
    yield found
    with found.work() as session:
        set_state(session, found.superior_id, "stopped", now=utc_now(), actor=cli_actor())


@pytest.fixture
def program(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program whose enterprise has a day and a critical alarm."""
    found = Program(app, settings, tmp_path)
    station = {"type": "STA", "src_code": "S", "kind": 2, "lon": 104.06, "lat": 30.65}
    assert found.records("NET", station).status_code == 200
    alarm = {
        "alarm_no": "A1",
        "kind": 11,
        "level": 1,
        "raised_at": utc_now().isoformat(),
        "object_code": "S",
        "lon": 104.06,
        "lat": 30.65,
    }
    answer = found.records("ALM", alarm)
    assert answer.json["accepted"] == 1, answer.json
    assert found.records("DAY", day(100.0)).json["accepted"] == 1
    return found


def day(sold_m3: float) -> dict[str, Any]:
    return {"gas_day": (gas_day(utc_now()) - timedelta(days=1)).isoformat(), "purchased_m3": 200.0, "sold_m3": sold_m3}


def own(rows: list[dict[str, Any]], program: Program) -> list[dict[str, Any]]:
    return [row for row in rows if row["uscc"] == program.uscc]


def test_what_the_province_gets_arrives_once_and_signed(city: City, province: Province, program: Program) -> None:
    city.turn()
    city.turn()

    alarms, days = own(province.records("ALM"), program), own(province.records("DAY"), program)
    assert [(row["alarm_no"], row["level"]) for row in alarms] == [("A1", 1)]
    assert [row["sold_m3"] for row in days] == [100.0]
    assert set(city.states()) == {"taken"}


def test_a_changed_record_goes_up_again_and_an_unchanged_one_does_not(
    city: City, province: Province, program: Program
) -> None:
    city.turn()
    program.records("DAY", day(120.0))
    city.turn()
    assert [row["sold_m3"] for row in own(province.records("DAY"), program)] == [100.0, 120.0]


def test_what_the_province_could_not_take_waits_and_arrives_later(
    city: City, province: Province, program: Program
) -> None:
    province.mode = "busy"
    assert city.turn() == 0
    assert set(city.states()) == {"waiting"}
    pushes = province.pushes
    assert city.turn() == 0
    assert province.pushes == pushes, "the pause is kept"
    province.mode = "good"
    assert city.turn(timedelta(seconds=10)) >= 2
    assert set(city.states()) == {"taken"}
    with city.work() as session:
        attempts = session.execute(
            text(
                "select a.status from upward_attempt a join upward_batch b on b.id = a.batch_no where b.superior_id = :s"
            ),
            {"s": city.superior_id},
        ).scalars()
        assert {503, 200} == set(attempts)


def test_an_answer_lost_on_the_way_is_a_replay_of_the_same_bytes(
    city: City, province: Province, program: Program
) -> None:
    province.mode = "lost"
    city.turn()
    stored = dict(province.batches)
    province.mode = "good"
    city.turn(timedelta(seconds=10))
    assert {name: digest for name, (digest, _) in province.batches.items()} == {
        name: digest for name, (digest, _) in stored.items()
    }
    assert len(own(province.records("ALM"), program)) == 1


def test_a_refused_batch_waits_for_a_person_and_can_be_sent_again(
    city: City, province: Province, program: Program
) -> None:
    province.mode = "strict"
    city.turn()
    assert set(city.states()) == {"refused"}
    with city.work() as session:
        number = session.scalar(
            text("select max(id) from upward_batch where superior_id = :s"), {"s": city.superior_id}
        )
        send_again(session, number, now=utc_now(), actor=cli_actor())
    province.mode = "good"
    assert city.turn(timedelta(seconds=1)) == 1
    with pytest.raises(Conflict), city.work() as session:
        send_again(session, number, now=utc_now(), actor=cli_actor())


def test_nothing_leaves_for_a_host_that_is_not_allowed(city: City, province: Province, program: Program) -> None:
    with city.work() as session:
        collect_upward(session, utc_now())
    assert send_due(city.settings, allowed_from("10.9.9.0/24"), utc_now()) == 0
    assert province.pushes == 0
    away = replace(city.wish, name="远方", base_url="http://192.0.2.1")
    with pytest.raises(Invalid), city.work() as session:
        put_superior(session, away, superior_id=None, settings=city.settings, now=utc_now(), actor=cli_actor())


def test_attempts_are_kept_for_good(city: City, program: Program) -> None:
    city.turn()
    for statement in ("update upward_attempt set status = 200", "delete from upward_attempt"):
        with pytest.raises(Exception, match="never changed|permission denied"), city.work() as session:
            session.execute(text(statement))


def test_a_record_that_went_back_to_a_former_state_goes_up_a_third_time(
    city: City, province: Province, program: Program
) -> None:
    for sold_m3 in (100.0, 120.0, 100.0):
        program.records("DAY", day(sold_m3))
        city.turn()
    assert [row["sold_m3"] for row in own(province.records("DAY"), program)] == [100.0, 120.0, 100.0]


def test_a_later_state_never_overtakes_a_former_one(city: City, province: Province, program: Program) -> None:
    province.mode = "busy"
    city.turn()
    program.records("DAY", day(130.0))
    province.mode = "good"
    city.turn()
    assert province.records("DAY") == []
    city.turn(timedelta(seconds=10))
    assert [row["sold_m3"] for row in own(province.records("DAY"), program)] == [100.0, 130.0]


def test_an_answer_no_database_can_keep_is_a_receipt_all_the_same(
    city: City, province: Province, program: Program
) -> None:
    province.mode = "odd"
    city.turn()
    assert set(city.states()) == {"taken"}


def test_a_superior_that_drips_its_answer_is_given_up(
    city: City, province: Province, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WHOLE_S", 0.5)
    province.mode = "drip"
    began = time.monotonic()
    assert city.turn() == 0
    assert time.monotonic() - began < 8
    with city.work() as session:
        errors = session.scalars(
            text("select distinct last_error from upward_batch where superior_id = :s"), {"s": city.superior_id}
        ).all()
    assert errors == ["pull_slow"]


def test_a_key_that_does_not_open_holds_up_its_own_superior_only(
    city: City, province: Province, program: Program
) -> None:
    with city.work() as session:
        moved = replace(city.wish, name=f"外{secrets.token_hex(4)}")
        first = put_superior(session, moved, superior_id=None, settings=city.settings, now=utc_now(), actor=cli_actor())
        session.execute(text("update superior set app_id = 'moved' where id = :n"), {"n": first.id})
    city.turn()
    assert set(city.states()) == {"taken"}
    with city.work() as session:
        errors = session.scalars(
            text("select distinct state || ' ' || last_error from upward_batch where superior_id = :s"), {"s": first.id}
        ).all()
        set_state(session, first.id, "stopped", now=utc_now(), actor=cli_actor())
    assert errors == ["waiting upward_key_changed"]


@pytest.mark.parametrize("app_id", ["", "a\r\nX-Sign: b", "城市", "a" * 65])
def test_an_app_id_that_cannot_stand_in_a_header_is_refused(city: City, app_id: str) -> None:
    wish = replace(city.wish, name="另一平台", app_id=app_id)
    with pytest.raises(Invalid), city.work() as session:
        put_superior(session, wish, superior_id=None, settings=city.settings, now=utc_now(), actor=cli_actor())
