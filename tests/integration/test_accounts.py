"""Accounts on PostGIS: logging in, locks, sessions, sealed rights, passwords, keys."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.accounts.commands import COMMANDS
from portal.accounts.keys import open_key
from portal.accounts.models import ApiKey, LoginFailure, User
from portal.accounts.rights import Rights, Role
from portal.accounts.rules import USCC_ALPHABET, is_uscc
from portal.accounts.services import (
    actor_of_token,
    change_password,
    change_rights,
    create_enterprise,
    create_user,
    disable_user,
    end_other_sessions,
    log_in,
    make_key,
    reset_password,
    revoke_key,
    rotate_key,
)
from portal.audit.models import AuditEntry
from portal.config import Settings
from portal.core.actor import CITY, Actor, cli_actor
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.factories import make_enterprise

PASSWORD = "Kelp-river-82"
VISITOR = Actor(kind="nobody", id=None, name="", address="192.0.2.7", request_id="r1")
Work = Callable[[Session], object]


def make_person(session: Session, settings: Settings, role: Role = Role.CITY_REGULATOR, **reach: object) -> User:
    login = f"p{secrets.token_hex(5)}"
    rights = Rights(role, **reach)  # type: ignore[arg-type]
    user, _ = create_user(session, login, "赵敏", rights, settings=settings, actor=cli_actor(), password=PASSWORD)
    user.must_change_password = False
    session.flush()
    return user


def enter(
    session: Session, login: str, password: str, settings: Settings, now: datetime, address: str = ""
) -> str | None:
    visitor = Actor(kind="nobody", id=None, name="", address=address or secrets.token_hex(8))
    return log_in(session, login, password, visitor=visitor, agent="test", now=now, settings=settings).token


def acts(session: Session, action: str, object_id: object = None) -> int:
    wanted = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == action)
    if object_id is not None:
        wanted = wanted.where(AuditEntry.object_id == str(object_id))
    return session.scalar(wanted) or 0


def test_right_password_opens_a_session_of_the_role(db: Session, settings: Settings, now: datetime) -> None:
    user = make_person(db, settings)
    token = enter(db, user.login.upper(), PASSWORD, settings, now)
    actor = actor_of_token(db, token or "", now, settings=settings)
    assert actor is not None
    assert (actor.id, actor.role, actor.scope) == (user.id, Role.CITY_REGULATOR, CITY)
    stored = db.execute(text("select token_sm3 from user_session where user_id = :u"), {"u": user.id}).scalar_one()
    assert (token or "").encode() not in bytes(stored)


@pytest.mark.clause("5.1-5e_2")
def test_fifth_wrong_password_locks_the_account_for_a_quarter_hour(
    db: Session, settings: Settings, now: datetime
) -> None:
    user = make_person(db, settings)
    for second in range(5):
        assert enter(db, user.login, "wrong", settings, now + timedelta(seconds=second)) is None
    assert enter(db, user.login, PASSWORD, settings, now + timedelta(minutes=14)) is None
    assert enter(db, user.login, PASSWORD, settings, now + timedelta(minutes=16)) is not None


def test_thirty_failures_lock_an_address_but_not_others(db: Session, settings: Settings, now: datetime) -> None:
    user = make_person(db, settings)
    db.add_all(LoginFailure(login=f"nobody{n}", address="198.51.100.9", at=now) for n in range(29))
    assert enter(db, "nobody29", "wrong", settings, now, address="198.51.100.9") is None
    assert enter(db, user.login, PASSWORD, settings, now, address="198.51.100.9") is None
    assert enter(db, user.login, PASSWORD, settings, now, address="198.51.100.10") is not None


def test_unknown_and_known_logins_are_refused_alike(db: Session, settings: Settings, now: datetime) -> None:
    user = make_person(db, settings)
    for login in (user.login, "nobody-at-all", "no such shape \x01", "x" * 500):
        found = log_in(db, login, "wrong", visitor=VISITOR, agent="", now=now, settings=settings)
        assert (found.token, found.refused) == (None, "login_failed")


def test_idle_old_and_disabled_sessions_end(db: Session, settings: Settings, now: datetime) -> None:
    user = make_person(db, settings)
    idle = enter(db, user.login, PASSWORD, settings, now)
    assert actor_of_token(db, idle or "", now + timedelta(minutes=14), settings=settings) is not None
    assert actor_of_token(db, idle or "", now + timedelta(minutes=28), settings=settings) is not None
    assert actor_of_token(db, idle or "", now + timedelta(minutes=44), settings=settings) is None
    token = enter(db, user.login, PASSWORD, settings, now)
    disable_user(db, user.id, now=now, actor=cli_actor())
    assert actor_of_token(db, token or "", now, settings=settings) is None
    assert enter(db, user.login, PASSWORD, settings, now) is None


def test_ended_invitation_closes_the_door(db: Session, settings: Settings, now: datetime) -> None:
    ours = make_enterprise(db)
    user = make_person(
        db, settings, Role.EVALUATOR, granted_enterprise_ids=[ours.id], granted_until=now + timedelta(minutes=5)
    )
    token = enter(db, user.login, PASSWORD, settings, now)
    assert actor_of_token(db, token or "", now, settings=settings) is not None
    assert actor_of_token(db, token or "", now + timedelta(minutes=6), settings=settings) is None


@pytest.mark.parametrize(
    "change",
    ["role = 1", "enterprise_id = null", "adcodes = '{990101}'", "granted_enterprise_ids = '{1}'"],
)
def test_right_changed_behind_the_portals_back_ends_the_session(
    db: Session, settings: Settings, now: datetime, change: str
) -> None:
    user = make_person(db, settings, Role.ENTERPRISE_SAFETY, enterprise_id=make_enterprise(db).id)
    token = enter(db, user.login, PASSWORD, settings, now)
    before = acts(db, "rights.tampered")
    db.execute(text(f"update app_user set {change} where id = :u"), {"u": user.id})
    db.expire_all()
    assert actor_of_token(db, token or "", now, settings=settings) is None
    assert enter(db, user.login, PASSWORD, settings, now) is None
    assert acts(db, "rights.tampered") == before + 2


def test_password_change_checks_the_rules_and_ends_other_sessions(
    db: Session, settings: Settings, now: datetime
) -> None:
    user = make_person(db, settings)
    here, there = (enter(db, user.login, PASSWORD, settings, now) or "" for _ in range(2))
    actor = actor_of_token(db, here, now, settings=settings)
    assert actor is not None
    for old, new, code in (
        ("wrong", "Moss-stone-47", "password_wrong"),
        (PASSWORD, "Password123!", "password_common"),
        (PASSWORD, f"A1-{user.login}", "password_name"),
        (PASSWORD, PASSWORD, "password_used"),
    ):
        with pytest.raises(Invalid, match=code):
            change_password(db, user.id, old, new, now=now, actor=actor)
    change_password(db, user.id, PASSWORD, "Moss-stone-47", now=now, actor=actor)
    assert actor_of_token(db, here, now, settings=settings) is not None
    assert actor_of_token(db, there, now, settings=settings) is None
    with pytest.raises(Invalid, match="password_used"):
        change_password(db, user.id, "Moss-stone-47", PASSWORD, now=now, actor=actor)


def test_sessions_elsewhere_can_be_ended(db: Session, settings: Settings, now: datetime) -> None:
    user = make_person(db, settings)
    here, there = (enter(db, user.login, PASSWORD, settings, now) or "" for _ in range(2))
    actor = actor_of_token(db, here, now, settings=settings)
    assert actor is not None
    assert end_other_sessions(db, now=now, actor=actor) == 1
    assert actor_of_token(db, there, now, settings=settings) is None


def test_nobody_changes_his_own_rights(db: Session, settings: Settings, now: datetime) -> None:
    admin = make_person(db, settings, Role.SYSTEM_ADMIN)
    actor = actor_of_token(db, enter(db, admin.login, PASSWORD, settings, now) or "", now, settings=settings)
    assert actor is not None
    for work in (
        lambda: change_rights(db, admin.id, Rights(Role.AUDITOR), settings=settings, now=now, actor=actor),
        lambda: disable_user(db, admin.id, now=now, actor=actor),
        lambda: reset_password(db, admin.id, now=now, actor=actor),
    ):
        with pytest.raises(NotAllowed, match="own_account"):
            work()


def test_each_change_is_audited_without_password_or_key(db: Session, settings: Settings, now: datetime) -> None:
    user = make_person(db, settings)
    _, given = reset_password(db, user.id, now=now, actor=cli_actor())
    key = make_key(db, make_enterprise(db).id, settings=settings, now=now, actor=cli_actor())
    assert acts(db, "user.create", user.id) == acts(db, "user.reset", user.id) == acts(db, "key.make", key.id) == 1
    texts = db.scalars(text("select coalesce(before::text, '') || coalesce(after::text, '') from audit_entry")).all()
    assert not any(secret in each for each in texts for secret in (given, PASSWORD, key.key, "argon2"))


def test_accounts_with_bad_rights_are_refused(db: Session, settings: Settings) -> None:
    user = make_person(db, settings)
    with pytest.raises(Conflict, match="login_taken"):
        create_user(db, user.login, "x", Rights(Role.AUDITOR), settings=settings, actor=cli_actor())
    with pytest.raises(Invalid, match="enterprise_needed"):
        create_user(db, "someone", "x", Rights(Role.ENTERPRISE_MANAGER), settings=settings, actor=cli_actor())
    with pytest.raises(NotFound):
        create_user(db, "someone", "x", Rights(Role.ENTERPRISE_MANAGER, 2**30), settings=settings, actor=cli_actor())


def test_keys_are_sealed_rotate_with_overlap_and_can_be_cut_off(db: Session, settings: Settings, now: datetime) -> None:
    ours, other = make_enterprise(db), make_enterprise(db)
    first = make_key(db, ours.id, settings=settings, now=now, actor=cli_actor())
    second = rotate_key(db, ours.id, settings=settings, now=now, actor=cli_actor())
    stored = {key.id: key for key in db.scalars(select(ApiKey).where(ApiKey.enterprise_id == ours.id))}
    assert stored[first.id].valid_until == now + timedelta(days=7)
    assert stored[second.id].valid_until is None
    assert open_key(stored[second.id].key_sealed, second.app_id, settings) == second.key.encode()
    with pytest.raises(ValueError, match="changed"):
        open_key(stored[second.id].key_sealed, first.app_id, settings)
    with pytest.raises(Conflict, match="key_two_valid"):
        make_key(db, ours.id, settings=settings, now=now, actor=cli_actor())
    with pytest.raises(NotFound):
        revoke_key(db, other.id, second.id, now=now, actor=cli_actor())
    revoke_key(db, ours.id, second.id, now=now, actor=cli_actor())
    assert stored[second.id].revoked_at == now


def test_enterprises_are_registered_once_with_a_true_credit_code(db: Session) -> None:
    made = create_enterprise(
        db, "91350100m000100y43", "榕城燃气有限公司", f"R{secrets.token_hex(3)}", kind=1, actor=cli_actor()
    )
    assert made.uscc == "91350100M000100Y43"
    with pytest.raises(Conflict, match="enterprise_known"):
        create_enterprise(db, "91350100M000100Y43", "x", "y", kind=1, actor=cli_actor())
    with pytest.raises(Invalid, match="uscc_wrong"):
        create_enterprise(db, "91350100M000100Y44", "x", "y", kind=1, actor=cli_actor())


def _logged_in(app: Flask, login: str, password: str = PASSWORD, **more: str) -> tuple[FlaskClient, int, str]:
    client = app.test_client()
    answer = client.post("/login", data={"login": login, "password": password, **more})
    return client, answer.status_code, answer.headers.get("Location", "")


def test_login_page_leads_back_on_this_server_only(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        user = make_person(session, settings)
    client = app.test_client()
    assert client.get("/account?x=1").headers["Location"] == "/login?next=/account?x%3D1"
    assert _logged_in(app, user.login, next="/account")[1:] == (302, "/account")
    assert _logged_in(app, user.login, next="//evil.example")[1:] == (302, "/")
    _, status, _ = _logged_in(app, user.login, "wrong")
    assert status == 401


def test_new_account_changes_its_password_before_anything_else(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        user, given = create_user(
            session, f"n{secrets.token_hex(5)}", "新人", Rights(Role.AUDITOR), settings=settings, actor=cli_actor()
        )
    client, status, _ = _logged_in(app, user.login, given)
    assert status == 302
    assert client.get("/account").headers["Location"] == "/account/password"
    assert client.get("/account/password").status_code == 200
    weak = client.post("/account/password", data={"old": given, "new": "short", "again": "short"})
    assert weak.status_code == 422
    done = client.post("/account/password", data={"old": given, "new": "Moss-stone-47", "again": "Moss-stone-47"})
    assert done.status_code == 302
    assert client.get("/account").status_code == 200


def test_logging_out_ends_the_session_on_the_server(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        user = make_person(session, settings)
    client, _, _ = _logged_in(app, user.login)
    with client.session_transaction() as cookie:
        kept = dict(cookie)
    assert client.post("/logout").status_code == 302
    with client.session_transaction() as cookie:
        cookie.update(kept)
    assert client.get("/account").status_code == 302


def test_language_follows_the_account(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        user = make_person(session, settings)
    client, _, _ = _logged_in(app, user.login)
    assert 'lang="zh-CN"' in client.get("/account").text
    client.post("/language", data={"language": "en", "next": "/account"})
    again, _, _ = _logged_in(app, user.login)
    assert 'lang="en"' in again.get("/account").text


def test_denial_is_written_into_the_audit(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        user = make_person(session, settings, Role.AUDITOR)
    client, _, _ = _logged_in(app, user.login)
    assert client.get("/admin/users").status_code == 403
    with transaction(settings, CITY, worker=True) as session:
        wanted = select(AuditEntry).where(AuditEntry.action == "denied", AuditEntry.actor_id == user.id)
        entry = session.scalars(wanted).one()
    assert (entry.object_id, entry.result, entry.after) == (
        "account.manage",
        "denied",
        {"method": "GET", "path": "/admin/users"},
    )


def test_system_administrator_makes_an_account_on_the_page(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        admin = make_person(session, settings, Role.SYSTEM_ADMIN)
        ours = make_enterprise(session)
    client, _, _ = _logged_in(app, admin.login)
    login = f"m{secrets.token_hex(5)}"
    form = {"login": login, "display_name": "孙丽", "role": "4", "enterprise_id": str(ours.id)}
    assert client.post("/admin/users", data={**form, "enterprise_id": "0"}).status_code == 422
    made = client.post("/admin/users", data=form)
    assert made.status_code == 200
    assert login in made.text
    assert client.post("/admin/users", data=form).status_code == 409
    with transaction(settings, CITY, worker=True) as session:
        user = session.scalars(select(User).where(User.login == login)).one()
    page = client.get(f"/admin/users/{user.id}")
    assert "孙丽" in page.text
    moved = client.post(f"/admin/users/{user.id}/rights", data={"role": "1", "enterprise_id": "0"})
    assert moved.status_code == 302
    assert client.post(f"/admin/users/{user.id}/reset").status_code == 200
    assert client.post(f"/admin/users/{user.id}/disable").status_code == 302
    assert client.post(f"/admin/users/{user.id}/disable").status_code == 409
    assert client.post(f"/admin/users/{admin.id}/disable").status_code == 403
    assert "孙丽" in client.get(f"/admin/users?q={login}").text
    assert "<tbody>" not in client.get("/admin/users?q=%25").text


def test_security_administrator_makes_a_key_and_changes_a_figure(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        admin = make_person(session, settings, Role.SECURITY_ADMIN)
        ours = make_enterprise(session)
    client, _, _ = _logged_in(app, admin.login)
    assert "X-App-Id" in client.post(f"/admin/enterprises/{ours.id}/keys").text
    assert client.post(f"/admin/enterprises/{ours.id}/keys/rotate").status_code == 200
    assert client.get(f"/admin/enterprises/{2**40}").status_code == 404
    key = "alarm.ack_limit_min"
    assert client.post(f"/admin/parameters/{key}", data={"value": "25", "reason": ""}).status_code == 422
    assert client.post(f"/admin/parameters/{key}", data={"value": "nan", "reason": "trial"}).status_code == 422
    assert client.post(f"/admin/parameters/{key}", data={"value": "25", "reason": "trial"}).status_code == 302
    client.post(f"/admin/parameters/{key}", data={"value": "30", "reason": "back again"})
    assert client.get("/admin/sessions").status_code == 200
    assert client.get("/admin/dictionary?name=role").status_code == 200


def test_command_line_registers_lists_and_rotates(
    db: Session, database: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> str:
        done = CliRunner().invoke(commands[words[0]], words[1:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    commands = {str(command.name): command for command in COMMANDS}
    short, login = f"C{secrets.token_hex(3)}", f"c{secrets.token_hex(5)}"
    uscc = credit_code(secrets.token_hex(4).upper().translate(str.maketrans("IOSVZ", "12345")))
    app_id, key = run("enterprise", "create", uscc, "--name", "测试燃气", "--short-name", short).split()
    assert run("enterprise", "rotate-key", short).split()[0] != app_id
    assert short in {each["short_name"] for each in json.loads(run("enterprise", "list", "--json"))}
    given = run("user", "create", login, "--name", "孙丽", "--role", "enterprise_safety", "--enterprise", uscc)
    assert given.split()[0] == login
    assert run("user", "reset", login) != given
    listed = {each["login"]: each for each in json.loads(run("user", "list", "--json"))}
    assert listed[login]["role"] == "enterprise_safety"
    sealed = db.execute(select(ApiKey).where(ApiKey.app_id == app_id)).scalar_one().key_sealed
    assert key not in sealed


def credit_code(mark: str) -> str:
    body = f"91370100M{mark}".ljust(17, "0")[:17]
    return next(body + sign for sign in USCC_ALPHABET if is_uscc(body + sign))
