"""SM2 keys of enterprises: registering by page and command line, pushes signed with them, rotation with overlap."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from ingestion_adapters.client import Client
from ingestion_adapters.http import auth
from ingestion_adapters.http.docs_page import SAMPLES
from portal.accounts.commands import COMMANDS
from portal.accounts.keys import Sm2Key, make_key, open_key, register_sm2_key
from portal.accounts.models import ApiKey
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import cli_actor
from portal.core.clock import local, utc_now
from portal.core.errors import Conflict, Invalid
from tests.factories import make_enterprise
from tests.people import browser_of, make_person
from tests.unit.test_sm2 import DER, POINT, pair

PATH = "/api/v1/ingest/NET"
BODY = json.dumps({"records": [SAMPLES["Node"]]}).encode()
Committed = Callable[..., Any]


def enrol(committed: Committed, settings: Settings, public: bytes, enterprise_id: int | None = None) -> tuple[int, str]:
    """Register a public key for a new or known enterprise; return enterprise and app id."""

    def work(session: Any) -> tuple[int, str]:
        own = enterprise_id or make_enterprise(session).id
        key = Sm2Key(public.decode())
        return own, register_sm2_key(session, own, key, settings=settings, now=utc_now(), actor=cli_actor())

    return committed(work)


def send(app: Flask, signer: Client, **changed: str) -> TestResponse:
    """Push one node as signed by a client, with some headers changed."""
    headers = signer.headers("POST", PATH, BODY) | {"X-Batch-Id": secrets.token_hex(8)} | changed
    return app.test_client().post(PATH, data=BODY, headers=headers | {"Content-Type": "application/json"})


@pytest.fixture
def signer(committed: Committed, settings: Settings, tmp_path: Path) -> Client:
    """Give a client that signs with a registered SM2 key."""
    private, public = pair(tmp_path)
    _, app_id = enrol(committed, settings, public)
    return Client("http://localhost", app_id, private.decode(), tmp_path / "queue.db")


@pytest.mark.clause("8.9-2", "8.8-3_3")
def test_a_push_signed_with_sm2_is_taken_in_as_der_and_as_r_and_s(app: Flask, signer: Client) -> None:
    answer = send(app, signer)
    assert (answer.status_code, answer.json["accepted"]) == (200, 1)
    headers = signer.headers("POST", PATH, BODY)
    der = bytes.fromhex(headers["X-Sign"])
    size = der[3]
    r, s = int.from_bytes(der[4 : 4 + size], "big"), int.from_bytes(der[6 + size :], "big")
    raw = (r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex()
    again = send(app, signer, **headers | {"X-Sign": raw})
    assert again.status_code == 200
    assert send(app, signer, **headers).json["code"] == "E_REPLAY"


@pytest.mark.clause("8.9-2")
def test_wrong_signatures_are_refused_alike_and_never_break_the_server(
    app: Flask, signer: Client, committed: Committed, settings: Settings, tmp_path: Path
) -> None:
    good = signer.headers("POST", PATH, BODY)
    other = Client("http://localhost", signer.app_id, pair(tmp_path, "other")[0].decode(), tmp_path / "o.db")
    foreign_id = Client("http://localhost", signer.app_id, signer.key.decode(), tmp_path / "i.db")
    assert foreign_id.sm2 is not None
    foreign_id.sm2.identity = b"ALICE123@YAHOO.COM"
    plain = committed(
        lambda session: make_key(
            session, make_enterprise(session).id, settings=settings, now=utc_now(), actor=cli_actor()
        )
    )
    signs = [
        DER.hex(), "00" * 64, "00" * 32 + "11" * 32, "11" * 32 + "00" * 32, "ff" * 64, "ff" * 72, good["X-Sign"][:-2],
        good["X-Sign"] + "00", "30" * 70, "3006020100020100", "", "zz" * 70, "é" * 70, "0" * 100_000,
    ]  # fmt: skip
    wrong = [{"X-Sign": sign} for sign in signs]
    wrong += [
        other.headers("POST", PATH, BODY),
        foreign_id.headers("POST", PATH, BODY),
        {"X-Sign-Alg": "HMAC-SM3"},
        {"X-Sign-Alg": "SM2"},
        {"X-App-Id": "nobody"},
        {"X-App-Id": plain.app_id},
    ]
    said = set()
    for change in wrong:
        answer = send(app, signer, **good | change)
        assert (answer.status_code, answer.json["code"]) == (401, "E_SIGN"), change
        said.add((answer.json["title"], answer.json["detail"]))
    assert len(said) == 1


def test_the_public_key_of_a_program_is_no_secret_to_sign_with(
    app: Flask, signer: Client, owner: Any, tmp_path: Path
) -> None:
    point = owner.execute(select(ApiKey.public_key).where(ApiKey.app_id == signer.app_id)).scalar_one()
    owner.execute(
        text("update api_key set algorithm = 'HMAC-SM3', public_key = null where app_id = :a"), {"a": signer.app_id}
    )
    owner.commit()
    forger = Client("http://localhost", signer.app_id, "x", tmp_path / "f.db")
    forger.key = bytes.fromhex(point)
    assert send(app, forger).status_code == 401
    assert send(app, signer).status_code == 401


@pytest.mark.clause("8.9-2")
def test_two_keys_are_accepted_until_the_day_of_the_old_one_is_over(
    app: Flask, signer: Client, committed: Committed, settings: Settings, tmp_path: Path
) -> None:
    enterprise = committed(lambda s: s.scalar(select(ApiKey.enterprise_id).where(ApiKey.app_id == signer.app_id)))
    officer = committed(lambda s: browser_of(s, app, make_person(s, app, Role.SECURITY_ADMIN)))
    private, public = pair(tmp_path, "new")
    last = local(utc_now()).date() + timedelta(days=20)
    form = {"public_key": public.decode(), "until": last.isoformat()}
    page = officer.post(f"/admin/enterprises/{enterprise}/keys/sm2", data=form, follow_redirects=True)
    words = page.get_data(as_text=True)
    assert f"{last:%Y-%m-%d}" in words
    new_id = committed(
        lambda s: s.scalar(select(ApiKey.app_id).where(ApiKey.enterprise_id == enterprise).order_by(ApiKey.id.desc()))
    )
    assert new_id in words and private.decode() not in words
    newer = Client("http://localhost", new_id, private.decode(), tmp_path / "n.db")
    assert (send(app, signer).status_code, send(app, newer).status_code) == (200, 200)
    old = "update api_key set valid_until = now() - interval '1 second' where app_id = :a"
    committed(lambda s: s.execute(text(old), {"a": signer.app_id}))
    auth._keys.clear()
    assert (send(app, signer).status_code, send(app, newer).status_code) == (401, 200)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"public_key": "公钥"}, 422), ({"public_key": ""}, 422), ({"public_key": POINT.hex()[:-2]}, 422),
        ({"public_key": POINT.hex(), "until": "soon"}, 422), ({"public_key": POINT.hex(), "until": "2020-01-01"}, 422),
        ({"public_key": POINT.hex(), "until": "2099-01-01"}, 422), ({"public_key": "-----BEGIN PRIVATE KEY-----\nAA"}, 422),
    ],
)  # fmt: skip
def test_what_is_no_public_key_or_day_is_refused_in_words(
    app: Flask, committed: Committed, form: dict[str, str], status: int
) -> None:
    enterprise = committed(lambda session: make_enterprise(session).id)
    officer = committed(lambda s: browser_of(s, app, make_person(s, app, Role.SECURITY_ADMIN)))
    answer = officer.post(f"/admin/enterprises/{enterprise}/keys/sm2", data=form)
    assert answer.status_code == status
    assert 'id="main"' in answer.get_data(as_text=True)


def test_only_those_who_manage_keys_register_one(app: Flask, committed: Committed, tmp_path: Path) -> None:
    def enter(session: Any) -> tuple[int, list[FlaskClient]]:
        own = make_enterprise(session).id
        people = [make_person(session, app, role) for role in (Role.CITY_REGULATOR, Role.SYSTEM_ADMIN)]
        people.append(make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=own))
        return own, [browser_of(session, app, each) for each in people]

    own, browsers = committed(enter)
    form = {"public_key": pair(tmp_path)[1].decode()}
    assert [each.post(f"/admin/enterprises/{own}/keys/sm2", data=form).status_code for each in browsers] == [403] * 3


def test_a_key_is_registered_once_and_its_sealed_form_belongs_to_it(
    db: Any, settings: Settings, tmp_path: Path
) -> None:
    ours, other, now = make_enterprise(db), make_enterprise(db), utc_now()
    key = Sm2Key(pair(tmp_path)[1].decode())
    app_id = register_sm2_key(db, ours.id, key, settings=settings, now=now, actor=cli_actor())
    with pytest.raises(Conflict, match="sm2_key_known"):
        register_sm2_key(db, other.id, key, settings=settings, now=now, actor=cli_actor())
    row = db.scalars(select(ApiKey).where(ApiKey.app_id == app_id)).one()
    assert open_key(row.key_sealed, app_id, settings, row.algorithm).hex() == row.public_key
    with pytest.raises(ValueError, match="changed"):
        open_key(row.key_sealed, app_id, settings, "HMAC-SM3")
    with pytest.raises(Invalid, match="key_overlap_wrong"):
        register_sm2_key(db, ours.id, Sm2Key("x", timedelta(days=400)), settings=settings, now=now, actor=cli_actor())


def test_the_command_line_registers_and_lists_keys(
    database: dict[str, str], committed: Committed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (database | {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DEMO": "0"}).items():
        monkeypatch.setenv(name, value)
    short = committed(lambda session: make_enterprise(session).short_name)
    group = {str(command.name): command for command in COMMANDS}["enterprise"]
    app_ids = []
    for name in ("one", "two"):
        pair(tmp_path, name)
        until = (date.today() + timedelta(days=30)).isoformat()  # noqa: DTZ011 - a day of the option
        done = CliRunner().invoke(group, ["register-sm2", short, str(tmp_path / f"{name}.pub"), "--old-until", until])
        assert done.exit_code == 0, done.output
        app_ids.append(done.output.strip())
    listed = json.loads(CliRunner().invoke(group, ["keys", short, "--json"]).output)
    assert [(each["app_id"], each["algorithm"], each["valid"]) for each in listed] == [
        (app_ids[1], "SM2-SM3", True), (app_ids[0], "SM2-SM3", True),
    ]  # fmt: skip
    assert listed[1]["valid_until"] is not None and listed[0]["valid_until"] is None
