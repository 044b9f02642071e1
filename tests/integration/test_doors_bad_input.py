"""Bad bodies at the doors without a browser: refused with a code and a receipt, nothing stored, nothing broken."""

from __future__ import annotations

import gzip
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from ingestion_adapters.dropbox import folder as drop_folder
from ingestion_adapters.dropbox import jobs as drop_jobs
from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.pull import jobs as pull_jobs
from ingestion_adapters.pull.models import PullRun, PullSource
from ingestion_adapters.pull.rules import allowed_from
from ingestion_adapters.pull.services import Wish, add_source
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.factories import make_enterprise
from tests.integration.test_mqtt import Raw, Sender, mqtt, sender, signed, until
from tests.integration.test_pull import Theirs, answer, theirs
from tests.mosquitto import Mqtt

__all__ = ["mqtt", "sender", "theirs"]
pytestmark = pytest.mark.timeout(170)
USER = {key: value for key, value in SAMPLES["User"].items() if key != "regulator"}


def rows(*records: Any) -> bytes:
    return json.dumps({"records": list(records)}).encode()


def with_value(words: bytes, field: bytes = b'"lon"') -> bytes:
    """Return a body whose field holds words that no JSON writer would write."""
    return b'{"records":[{"user_no":"B","user_class":10,"lat":32.0,' + field + b":" + words + b"}]}"


BODIES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"   \n",
    "null": b"null",
    "list": b"[]",
    "text": b'"records"',
    "no records": b'{"rows":[]}',
    "records no list": b'{"records":{}}',
    "cut off": rows(USER)[:-5],
    "two documents": rows(USER) + rows(USER),
    "not utf-8": rows(USER).replace(b"records", b"rec\xff\xferds"),
    "utf-16": json.dumps({"records": [USER]}).encode("utf-16"),
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "deep inside": with_value(b"[" * 50_000 + b"]" * 50_000),
    "nan": with_value(b"NaN"),
    "infinity": with_value(b"-Infinity"),
    "huge exponent": with_value(b"1e400"),
    "long number": with_value(b"1" * 5000),
    "lone surrogate": with_value(b'"\\ud800"'),
    "nul": with_value(b'"a\\u0000b"', b'"address"'),
    "rows of text": rows("a", 1, None, True, []),
    "wrong fields": rows({"x" * 5000: 1}, {"user_no": {"$ne": None}}),
    "formula": rows(USER | {"user_no": "=cmd|' C calc'!A0", "lon": "=1+1"}),
    "script": rows(USER | {"user_no": "<script>alert(1)</script>", "lat": "x"}),
    "sql": rows(USER | {"user_no": "'; drop table gas_user; --", "lat": "x"}),
    "dates": rows(USER | {"last_check": "0001-01-01"}, USER | {"last_check": "9999-12-31"}),
    "big ints": rows(USER | {"households": 10**30}, USER | {"user_class": 2**63}),
    "control signs": rows(USER | {"user_no": "a\x07b"}),
}
STORED = "select count(*) from gas_user where enterprise_id = :e"


@pytest.mark.clause("7.2.4.1-b")
def test_over_mqtt(mqtt: Mqtt, sender: Sender) -> None:
    raw = Raw(mqtt, sender.app_id, sender.password)
    raw.client.subscribe(f"gas/{sender.uscc}/receipt", qos=1)
    for number, (name, body) in enumerate(BODIES.items()):
        raw.send(f"gas/{sender.uscc}/USR", body, signed(sender, "USR", body, f"bad-{number}"))
        told = until(lambda number=number: len(raw.heard) > number and raw.heard[number][1])
        assert told["status"] in (400, 413, 422), (name, told)
    bomb = gzip.compress(b" " * (80 << 20))
    given = [*signed(sender, "USR", bomb, "bomb"), ("Content-Encoding", "gzip")]
    raw.send(f"gas/{sender.uscc}/USR", bomb, given)
    assert until(lambda: len(raw.heard) > len(BODIES) and raw.heard[-1][1])["code"] == "E_QUOTA"
    for odd in (b"", b"{}", b"[]", b'{"batch_id":1}', b'{"batch_id":"' + b"x" * 100_000 + b'"}', b"\x00" * 100):
        raw.send(f"gas/{sender.uscc}/USR", odd)
    until(lambda: len(raw.heard) == len(BODIES) + 7)
    raw.close()
    assert sender.count(STORED) == 0 and "Traceback" not in mqtt.log("worker")


def drop_one(owner: drop_jobs.Owner, settings: Settings) -> Callable[[str, bytes], dict[str, Any]]:
    folder = settings.data_dir / "dropbox" / owner.uscc
    folder.mkdir(parents=True)

    def send(name: str, body: bytes) -> dict[str, Any]:
        mark = secrets.token_hex(4)
        (folder / f"USR_{mark}.json").write_bytes(body)
        assert drop_jobs.take_folder(settings, owner, folder) == 1, name
        (receipt,) = folder.glob(f"*/*_USR_{mark}.json.receipt.json")
        return json.loads(receipt.read_text("utf-8"))  # type: ignore[no-any-return]

    return send


@pytest.fixture
def own(settings: Settings) -> drop_jobs.Owner:
    """Give a new enterprise."""
    with transaction(settings, CITY, worker=True) as session:
        made = make_enterprise(session)
        return drop_jobs.Owner(made.id, made.uscc)


def stored(settings: Settings, own: drop_jobs.Owner) -> int:
    with transaction(settings, CITY, worker=True) as session:
        return int(session.scalar(text(STORED), {"e": own.id}) or 0)


def test_in_the_drop_folder(settings: Settings, own: drop_jobs.Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_folder, "SETTLED_S", 0.0)
    send = drop_one(own, settings)
    for name, body in BODIES.items():
        if name != "utf-16":  # a file's encoding is found from its bytes: this one is good
            assert send(name, body)["status"] in (400, 413, 422), name
    assert stored(settings, own) == 0


def test_from_a_pulled_source(settings: Settings, own: drop_jobs.Owner, theirs: Theirs) -> None:
    here = replace(settings, pull_hosts="127.0.0.1")
    with transaction(here, CITY, worker=True) as session:
        wish = Wish(own.id, "USR", theirs.url, 60)
        number = add_source(session, wish, settings=here, now=utc_now(), actor=cli_actor()).id
    for name, body in BODIES.items():
        theirs.odd = lambda handler, body=body: answer(handler, body)
        with transaction(here, CITY, worker=True) as session:
            claimed = pull_jobs._as_claimed(session.get_one(PullSource, number), here)
        began = time.monotonic()
        pull_jobs.pull_once(here, claimed, allowed_from("127.0.0.1"))
        assert time.monotonic() - began < 20, name
        with transaction(here, CITY, worker=True) as session:
            run = session.query(PullRun).filter_by(source_id=number).order_by(PullRun.id.desc()).limit(1).one()
            assert run.receipt_id and run.accepted == 0, (name, run.error)
    assert stored(settings, own) == 0
