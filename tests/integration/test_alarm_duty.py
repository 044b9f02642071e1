"""Duty and escalation on PostGIS: the roster, steps by the clock, receipts, mail and webhooks to servers of our own."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.notices import send_due
from ingestion_adapters.signing import sign, sm3_hex, string_to_sign
from portal.accounts.models import User
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, Actor
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.errors import Conflict, Invalid
from portal.operation.alarms.services import NewAlarm, acknowledge_alarm, raise_alarm
from portal.operation.escalation.jobs import notify_alarms
from portal.operation.escalation.models import Notice
from portal.operation.escalation.queries import on_duty
from portal.operation.escalation.secrets import sealed_secret
from portal.operation.escalation.services import (
    Shift,
    add_shift,
    cancel_shift,
    deliver_to_screen,
    hand_over,
    mark_seen,
    retry_notice,
    set_contact,
    take_over,
)
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

OFFICER = Actor(kind="user", id=None, name="officer", scope=CITY)
KEY = "a-key-of-some-length"


def who(user: User) -> Actor:
    """Return a person as actor over the city."""
    return Actor(kind="user", id=user.id, name=user.login, scope=CITY, session_ref="s1", address="10.0.0.9")


def on_shift(session: Session, app: Flask, post: int = 1) -> User:
    """Put somebody new on duty around now."""
    user, now = make_person(session, app), utc_now()
    shift = Shift(user.id, post, now - timedelta(hours=2), now + timedelta(hours=6))
    add_shift(session, shift, known={user.id}, now=now, actor=OFFICER)
    return user


def urgent(session: Session) -> int:
    """Raise an urgent alarm of a moment ago; return its number."""
    new = NewAlarm(make_enterprise(session).id, "990101", "rule", 11, 1, utc_now(), object_code="X", value=9.5, unit="kPa")
    return raise_alarm(session, new, actor=OFFICER)[0].id


def told(session: Session, alarm_id: int) -> list[Notice]:
    """Return the notices of an alarm."""
    wanted = select(Notice).where(Notice.alarm_id == alarm_id).order_by(Notice.id)
    return list(session.scalars(wanted.execution_options(populate_existing=True)))


def test_a_roster_refuses_overlaps_strangers_and_days_without_end(db: Session, app: Flask) -> None:
    user, now = make_person(db, app), utc_now()
    shift = Shift(user.id, 1, now, now + timedelta(hours=8))
    made = add_shift(db, shift, known={user.id}, now=now, actor=OFFICER)
    with pytest.raises(Conflict, match="duty_overlap"):
        add_shift(db, shift, known={user.id}, now=now, actor=OFFICER)
    for wrong, known in ((shift, set()), (replace(shift, ends_at=now + timedelta(hours=25)), {user.id})):
        with pytest.raises(Invalid):
            add_shift(db, wrong, known=known, now=now, actor=OFFICER)
    assert user.id in {each.user_id for each in on_duty(db, now, 1)}
    cancel_shift(db, made.id, now=now, actor=OFFICER)
    assert user.id not in {each.user_id for each in on_duty(db, now)}


@pytest.mark.clause("7.2.7.3-4c_1")
def test_an_alarm_nobody_sees_goes_up_step_by_step_with_receipts(db: Session, app: Flask) -> None:
    officer, leader = on_shift(db, app), on_shift(db, app, post=2)
    number, now = urgent(db), utc_now()
    notify_alarms(db, now)
    notify_alarms(db, now)
    first = {(each.user_id, each.channel): each.state for each in told(db, number)}
    assert {state for (user, channel), state in first.items() if channel != "screen"} == {"off"}
    assert first[(officer.id, "screen")] == "waiting"
    assert leader.id not in {user for user, _ in first}
    (shown,) = [each for each in deliver_to_screen(db, now=now, actor=who(officer)) if each.alarm_id == number]
    assert (shown.state, shown.receipt) == ("sent", "s1 10.0.0.9")
    assert mark_seen(db, shown.id, now=now, actor=who(officer)).seen_at == now
    notify_alarms(db, now + timedelta(minutes=4))
    assert max(each.step for each in told(db, number)) == 0
    notify_alarms(db, now + timedelta(minutes=6))
    assert {each.user_id for each in told(db, number) if each.step == 1} >= {leader.id}
    acknowledge_alarm(db, number, note="已处置", now=now, actor=OFFICER)
    notify_alarms(db, now + timedelta(minutes=60))
    assert max(each.step for each in told(db, number)) == 1


def test_a_step_with_nobody_on_duty_leaves_a_row_that_says_so(db: Session, app: Flask) -> None:
    on_shift(db, app)
    number = urgent(db)
    notify_alarms(db, utc_now() + timedelta(minutes=16))
    states = {(each.step, each.state) for each in told(db, number)}
    assert (2, "nobody") in states or (1, "nobody") in states


def test_a_hand_over_counts_by_itself_and_is_signed_by_another(db: Session, app: Flask) -> None:
    first, second = on_shift(db, app), on_shift(db, app)
    urgent(db)
    note = hand_over(db, "1号站调试", now=utc_now(), actor=who(first))
    assert note.open_alarms >= 1
    assert note.shift_id
    with pytest.raises(Conflict, match="duty_own_note"):
        take_over(db, note.id, now=utc_now(), actor=who(first))
    take_over(db, note.id, now=utc_now(), actor=who(second))
    with pytest.raises(Conflict, match="duty_taken"):
        take_over(db, note.id, now=utc_now(), actor=who(first))


class Mailbox(socketserver.StreamRequestHandler):
    """A mail server of a few words; `refuses` counts down temporary refusals."""

    mails: list[str] = []
    refuses = 0

    def handle(self) -> None:
        """Talk SMTP."""
        self.say("220 mailbox")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT" and type(self).refuses:
                type(self).refuses -= 1
                self.say("451 later")
            elif verb == "DATA":
                self.say("354 go")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                self.mails.append("".join(lines))
                self.say("250 queued as 4711")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, words: str) -> None:
        """Answer a line."""
        self.wfile.write(f"{words}\r\n".encode())


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it is called with."""

    calls: list[tuple[dict[str, str], bytes]] = []

    def do_POST(self) -> None:
        """Keep the call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.calls.append(({key.lower(): value for key, value in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"taken")

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Serve in a thread; give the port."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.clause("7.2.7.3-4b_2")
def test_mail_and_webhook_leave_signed_are_tried_again_and_keep_receipts(
    app: Flask, settings: Settings, committed: Callable[..., Any]
) -> None:
    with (
        serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox)) as mail_port,
        serving(HTTPServer(("127.0.0.1", 0), Hook)) as hook_port,
    ):
        hook = f"http://127.0.0.1:{hook_port}/alarm"

        def stage(session: Session) -> int:
            user = on_shift(session, app)
            set_contact(session, user.id, "email", "duty@city.example", secret="", actor=OFFICER)
            with pytest.raises(Invalid):
                set_contact(session, user.id, "webhook", hook, secret="", actor=OFFICER)
            sealed = sealed_secret(user.id, KEY, settings)
            set_contact(session, user.id, "webhook", hook, secret=sealed, actor=OFFICER)
            number = urgent(session)
            notify_alarms(session, utc_now())
            return number

        def states(session: Session) -> dict[str, tuple[str, str, str]]:
            rows = [each for each in told(session, number) if each.state != "off"]
            return {each.channel: (each.state, each.receipt, each.last_error) for each in rows}

        number = committed(stage)
        send_due(settings, utc_now())
        found = committed(states)
        assert found["email"][0] == found["webhook"][0] == "waiting"
        assert "PORTAL_SMTP_URL" in found["email"][2]
        assert "PORTAL_NOTICE_HOSTS" in found["webhook"][2]
        assert Hook.calls == []
        ready = replace(settings, smtp_url=f"smtp://127.0.0.1:{mail_port}", notice_hosts="127.0.0.1")
        # Whoever is on duty hears of alarms of other tests too: all mails are refused, not the first one.
        Mailbox.refuses = 1000
        send_due(ready, utc_now() + timedelta(seconds=20))
        Mailbox.refuses = 0
        found = committed(states)
        assert found["webhook"][:2] == ("sent", "200 taken")
        assert found["email"][0] == "waiting"
        assert "451 later" in found["email"][2]
        send_due(ready, utc_now() + timedelta(seconds=80))
        assert committed(states)["email"][:2] == ("sent", "250 queued as 4711")
    headers, body = Hook.calls[-1]
    assert json.loads(body)["alarm"] == number
    words = string_to_sign("POST", "/alarm", headers["x-timestamp"], headers["x-nonce"], sm3_hex(body))
    assert headers["x-sign"] == sign(KEY.encode(), words)
    assert "To: duty@city.example" in Mailbox.mails[-1]


def test_a_notice_that_was_given_up_is_visible_and_can_be_tried_again(db: Session, app: Flask) -> None:
    user = on_shift(db, app)
    set_contact(db, user.id, "email", "duty@city.example", secret="", actor=OFFICER)
    number = urgent(db)
    notify_alarms(db, utc_now())
    (mail,) = [each for each in told(db, number) if each.channel == "email" and each.user_id == user.id]
    mail.state, mail.attempts = "failed", 8
    db.flush()
    retry_notice(db, mail.id, now=utc_now(), actor=OFFICER)
    assert (mail.state, mail.attempts) == ("waiting", 0)
    mail.state = "sent"
    db.flush()
    with pytest.raises(Conflict):
        retry_notice(db, mail.id, now=utc_now(), actor=OFFICER)


def test_the_duty_pages_work_by_hand(app: Flask, committed: Callable[..., Any]) -> None:
    def stage(session: Session) -> tuple[Any, Any, int]:
        boss, firm = make_person(session, app), make_enterprise(session)
        clerk = make_person(session, app, Role.ENTERPRISE_SAFETY, enterprise_id=firm.id)
        return browser_of(session, app, boss), browser_of(session, app, clerk), boss.id

    boss, clerk, number = committed(stage)
    day = utc_now().astimezone(CITY_ZONE).date().isoformat()
    shift = {"person": number, "post": "1", "day": day, "begins": "20:00", "ends": "08:00"}
    assert clerk.post("/operation/duty/shifts", data=shift).status_code == 403
    assert boss.post("/operation/duty/shifts", data=shift).status_code == 302
    assert boss.post("/operation/duty/shifts", data=shift).status_code == 409
    assert boss.post("/operation/duty/shifts", data=shift | {"day": "x"}).status_code == 422
    assert "20:00–08:00" in boss.get("/operation/duty").text
    assert boss.post("/operation/duty/contact", data={"channel": "email", "address": "a b"}).status_code == 422
    assert boss.post("/operation/duty/steps/1", data={"after_min": "x", "post": "1"}).status_code == 422
    assert boss.post("/operation/duty/inbox", headers={"Accept": "application/json"}).get_json() == {"notices": []}
    assert boss.get("/operation/duty/notices?state=failed").status_code == 200


def test_midnight_is_passed_by_a_night_shift(app: Flask) -> None:
    from portal.operation.escalation.forms import parse_shift

    given = {"person": "1", "post": "1", "day": "2026-11-30", "begins": "20:00", "ends": "08:00"}
    asked = parse_shift(given)
    assert asked.ends_at - asked.begins_at == timedelta(hours=12)
    assert asked.begins_at == datetime(2026, 11, 30, 20, tzinfo=CITY_ZONE)
