"""From a signed push over its limit to the event in a browser's stream, against a bare NOTIFY.

Run as `python -m bench.alarm`. It starts a live process of its own, pushes through the adapter API
without a socket, and listens over HTTP as a browser does. Its own enterprise and account are used
again by the next run, its alarms end as tests; nothing of the city is touched.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import psycopg2
from flask import Flask
from sqlalchemy import func
from sqlalchemy import select as select_rows
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from ingestion_adapters.client import Client
from portal.accounts.keys import make_key, revoke_key
from portal.accounts.models import ApiKey, Enterprise, UserSession
from portal.accounts.people import create_user
from portal.accounts.queries import user_by_login
from portal.accounts.rights import Rights, Role
from portal.app import create_app
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.crypto import PROVIDER
from portal.core.db import transaction
from portal.events.models import SupervisionCase
from portal.events.rules import State
from portal.events.services import refuse_case
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.rules import TEST
from portal.operation.alarms.services import acknowledge_alarm, judge_alarm
from portal.operation.telemetry.models import Point

ROUNDS = 60
WARM_UP = 4
HEARD_WITHIN_S = 30
LOGIN = "bench-alarm"
FIRM = "BENCH"
POINT = "BENCH-P1"
HIGH_KPA = 3.0


def prepare(session: Session, app: Flask) -> tuple[int, str, str, str]:
    """Return enterprise, app id, key and cookie; make enterprise, point and account where missing."""
    settings: Settings = app.config["PORTAL_SETTINGS"]
    firm = session.scalar(select_rows(Enterprise).where(Enterprise.short_name == FIRM))
    if firm is None:
        firm = Enterprise(uscc="91000000MABENCH000", name="Benchmark", short_name=FIRM, kind=1)
        session.add(firm)
        session.flush()
    if session.scalar(select_rows(Point.id).where(Point.enterprise_id == firm.id)) is None:
        place = func.ST_SetSRID(func.ST_MakePoint(112.5, 32.0), STORAGE_SRID)
        point = Point(
            enterprise_id=firm.id, src_code=POINT, object_code="BENCH", measure=1, unit="kPa",
            period_s=300, range_low=0, range_high=10, high=HIGH_KPA, geom=place,
        )  # fmt: skip
        session.add(point)
    user = user_by_login(session, LOGIN)
    if user is None:
        rights = Rights(int(Role.CITY_DISPATCHER))
        user, _ = create_user(session, LOGIN, LOGIN, rights, settings=settings, actor=cli_actor())
    user.must_change_password = False
    old = select_rows(ApiKey.id).where(ApiKey.enterprise_id == firm.id, ApiKey.revoked_at.is_(None))
    for number in session.scalars(old).all():
        revoke_key(session, firm.id, number, now=utc_now(), actor=cli_actor())
    key = make_key(session, firm.id, settings=settings, now=utc_now(), actor=cli_actor())
    return firm.id, key.app_id, key.key, cookie_of(session, app, user.id)


def tidy(session: Session, enterprise_id: int) -> None:
    """Mark what the benchmark raised as a test, so that nobody is called to it."""
    actor, now = cli_actor(), utc_now()
    unseen = select_rows(AlarmNow.alarm_id).where(
        AlarmNow.enterprise_id == enterprise_id, AlarmNow.acknowledged_at.is_(None)
    )
    for alarm_id in session.scalars(unseen).all():
        judge_alarm(session, alarm_id, TEST, note="benchmark", now=now, actor=actor)
        acknowledge_alarm(session, alarm_id, note="benchmark", now=now, actor=actor)
    waiting = select_rows(SupervisionCase.id).where(
        SupervisionCase.enterprise_id == enterprise_id,
        SupervisionCase.state == int(State.AWAITING_ACCEPTANCE),
    )
    for case_id in session.scalars(waiting).all():
        refuse_case(session, case_id, note="benchmark", now=now, actor=actor)


def cookie_of(session: Session, app: Flask, user_id: int) -> str:
    """Return the cookie of a new login of an account."""
    token, now = secrets.token_urlsafe(32), utc_now()
    digest = PROVIDER.sm3(token.encode())
    session.add(
        UserSession(
            token_sm3=digest, ref=secrets.token_hex(6), user_id=user_id, created_at=now, seen_at=now
        )
    )
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({'sid': token})}"


@contextmanager
def live_process() -> Iterator[int]:
    """Run a live process and give its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.live.server", "--port", str(port)],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for_alarm(stream: HTTPResponse) -> None:
    """Return when the next alarm is heard; raise RuntimeError when none comes."""
    last = time.monotonic() + HEARD_WITHIN_S
    while stream.readline().strip() != b"event: alarm":
        if time.monotonic() > last:
            raise RuntimeError("no alarm was heard")


def push(app: Flask, client: Client, value_kpa: float, at: datetime) -> None:
    """Push one signed reading through the adapter API; raise RuntimeError unless it is taken."""
    row = {"point": POINT, "t": at.isoformat(), "v": value_kpa}
    body, path = json.dumps({"records": [row]}).encode(), "/api/v1/ingest/RT"
    headers = client.headers("POST", path, body) | {
        "Content-Type": "application/json",
        "X-Batch-Id": secrets.token_hex(8),
    }
    answer = app.test_client().post(path, data=body, headers=headers)
    if answer.status_code != 200:
        raise RuntimeError(f"push refused: {answer.status_code} {answer.text}")


def timed_ms(rounds: int, act: Callable[[int], None]) -> list[float]:
    """Return the milliseconds of each round."""
    taken = []
    for number in range(rounds):
        begun = time.perf_counter()
        act(number)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def bare_notify_ms(url: str, rounds: int) -> list[float]:
    """Return the milliseconds from a bare NOTIFY to hearing it on another connection."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ears, mouth = psycopg2.connect(address), psycopg2.connect(address)
    ears.autocommit = mouth.autocommit = True
    ears.cursor().execute("listen bench_bare")

    def once(_: int) -> None:
        mouth.cursor().execute("notify bench_bare")
        while not ears.notifies:
            select.select([ears], [], [], 1)
            ears.poll()
        ears.notifies.clear()

    taken = timed_ms(rounds, once)
    ears.close()
    mouth.close()
    return taken


def p95(values: list[float]) -> float:
    """Return the value below which 95 of 100 lie."""
    return statistics.quantiles(values, n=20)[-1]


def measured(app: Flask, client: Client, port: int, cookie: str) -> list[float]:
    """Return the milliseconds from push to event; every second push brings the point back."""
    # An interrupted run may have left the point off normal.
    push(app, client, HIGH_KPA - 1, utc_now())
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/live", headers={"Cookie": cookie})
    stream = connection.getresponse()
    stream.readline()

    def once(number: int) -> None:
        value = HIGH_KPA + 0.3 if number % 2 == 0 else HIGH_KPA - 1
        push(app, client, value, utc_now())
        wait_for_alarm(stream)
        # One push announces the alarm and its case; what is left belongs to this round.
        time.sleep(0.05)

    pause_ms = 50.0
    taken = timed_ms(WARM_UP + 2 * ROUNDS, once)
    stream.close()
    return [each - pause_ms for each in taken[WARM_UP:]]


def main() -> int:
    """Print the figures, the ratio to the baseline last."""
    settings = Settings.from_env()
    app = create_app(settings)
    with transaction(settings, CITY, worker=True) as session:
        firm_id, app_id, key, cookie = prepare(session, app)
    with tempfile.TemporaryDirectory() as folder, live_process() as port:
        client = Client("http://localhost", app_id, key, Path(folder) / "queue.db")
        taken = measured(app, client, port, cookie)
    with transaction(settings, CITY, worker=True) as session:
        tidy(session, firm_id)
    bare = bare_notify_ms(settings.app_database_url, ROUNDS)
    figures = {
        "alarm_rounds": len(taken),
        "push_to_event_p50_ms": round(statistics.median(taken), 1),
        "push_to_event_p95_ms": round(p95(taken), 1),
        "bare_notify_p95_ms": round(p95(bare), 2),
        "ratio_to_bare_notify": round(p95(taken) / p95(bare), 1),
    }
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value}\n")
    return 0 if figures["push_to_event_p95_ms"] <= 2000 else 1


if __name__ == "__main__":
    sys.exit(main())
