"""Command line of accounts and enterprises: `user …`, `enterprise …`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TextIO

import click

from portal.accounts.keys import Sm2Key, create_enterprise, make_key, register_sm2_key, rotate_key
from portal.accounts.people import create_user, reset_password
from portal.accounts.queries import enterprise_named, enterprises, keys_of, user_by_login, users
from portal.accounts.rights import Rights, Role
from portal.accounts.rules import OVERLAP
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.codes import word_of
from portal.core.db import transaction
from portal.core.errors import NotFound

KEY_FILE_CHARS = 4000
ROLE_NAMES = [role.name.lower() for role in Role]


@click.group("user")
def user() -> None:
    """Create, list and reset people's accounts."""


@user.command("create")
@click.argument("login")
@click.option("--name", required=True, help="Name shown on screen.")
@click.option("--role", required=True, type=click.Choice(ROLE_NAMES))
@click.option("--enterprise", help="Credit code or short name, for people of an enterprise.")
@click.option("--district", "districts", multiple=True, help="Six-digit code, for district regulators.")
@click.option("--granted", multiple=True, help="Enterprise an expert or evaluator is invited to.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the invitation.")
def create(
    login: str,
    name: str,
    role: str,
    enterprise: str | None,
    districts: Sequence[str],
    granted: Sequence[str],
    until: datetime | None,
) -> None:  # one parameter an option
    """Create an account and print its one-time password, this once."""
    settings = Settings.from_env()
    with transaction(settings, CITY, worker=True) as session:
        rights = Rights(
            role=Role[role.upper()],
            enterprise_id=enterprise_named(session, enterprise).id if enterprise else None,
            adcodes=list(districts),
            granted_enterprise_ids=[enterprise_named(session, each).id for each in granted],
            granted_until=datetime.combine(until.date(), time.max, CITY_ZONE) if until else None,
        )
        made, password = create_user(session, login, name, rights, settings=settings, actor=cli_actor())
    click.echo(f"{made.login}  {password}")


@user.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_users(as_json: bool) -> None:
    """List every account."""
    rows, after = [], ""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        while found := users(session, after=after):
            rows += [
                {
                    "id": each.id,
                    "login": each.login,
                    "name": each.display_name,
                    "role": Role(each.role).name.lower(),
                    "enterprise_id": each.enterprise_id,
                    "adcodes": each.adcodes,
                    "disabled": each.disabled_at is not None,
                    "last_login_at": each.last_login_at.isoformat() if each.last_login_at else None,
                }
                for each in found
            ]
            after = found[-1].login
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        state = "closed" if row["disabled"] else "open"
        click.echo(f"{row['id']:>5}  {row['login']:20} {row['role']:20} {state:7} {row['name']}")


@user.command("reset")
@click.argument("login")
def reset(login: str) -> None:
    """Give an account a one-time password and print it, this once."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        found = user_by_login(session, login.lower())
        if found is None:
            raise NotFound("user", login=login)
        _, password = reset_password(session, found.id, now=utc_now(), actor=cli_actor())
    click.echo(f"{login.lower()}  {password}")


@click.group("enterprise")
def enterprise() -> None:
    """Register and list enterprises, rotate the keys of their programs."""


@enterprise.command("create")
@click.argument("uscc")
@click.option("--name", required=True)
@click.option("--short-name", required=True)
@click.option("--kind", type=int, default=1, show_default=True, help="Code of the dictionary enterprise_kind.")
def create_one(uscc: str, name: str, short_name: str, kind: int) -> None:
    """Register an enterprise and print app id and key of its program, this once."""
    settings = Settings.from_env()
    with transaction(settings, CITY, worker=True) as session:
        made = create_enterprise(session, uscc, name, short_name, kind=kind, actor=cli_actor())
        key = make_key(session, made.id, settings=settings, now=utc_now(), actor=cli_actor())
    click.echo(f"{key.app_id}  {key.key}")


@enterprise.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_enterprises(as_json: bool) -> None:
    """List every enterprise."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        rows = [
            {
                "id": each.id,
                "uscc": each.uscc,
                "short_name": each.short_name,
                "name": each.name,
                "kind": each.kind,
            }
            for each in enterprises(session)
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        kind = word_of("enterprise_kind", int(str(row["kind"])), "zh_CN")
        click.echo(f"{row['id']:>5}  {row['uscc']}  {row['short_name']:12} {kind}  {row['name']}")


@enterprise.command("rotate-key")
@click.argument("name")
@click.option("--old-until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the old key; a week from now.")
def rotate(name: str, old_until: datetime | None) -> None:
    """Make a new key for an enterprise (credit code or short name) and print it, this once."""
    settings, now = Settings.from_env(), utc_now()
    with transaction(settings, CITY, worker=True) as session:
        found = enterprise_named(session, name)
        key = rotate_key(
            session, found.id, settings=settings, now=now, actor=cli_actor(), overlap=_overlap(old_until, now)
        )
    click.echo(f"{key.app_id}  {key.key}")


@enterprise.command("register-sm2")
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--old-until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the old SM2 key; a week from now.")
def register_sm2(name: str, file: TextIO, old_until: datetime | None) -> None:
    """Register the SM2 public key in FILE (PEM, or 04||x||y in hex) of an enterprise and print its app id."""
    settings, now = Settings.from_env(), utc_now()
    key = Sm2Key(file.read(KEY_FILE_CHARS), _overlap(old_until, now))
    with transaction(settings, CITY, worker=True) as session:
        found = enterprise_named(session, name)
        app_id = register_sm2_key(session, found.id, key, settings=settings, now=now, actor=cli_actor())
    click.echo(app_id)


@enterprise.command("keys")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True)
def list_keys(name: str, as_json: bool) -> None:
    """List the keys of an enterprise with algorithm, state and last day; never the keys themselves."""
    now = utc_now()
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        rows = [
            {
                "app_id": each.app_id,
                "algorithm": each.algorithm,
                "public_key": each.public_key,
                "valid": each.is_valid(now),
                "valid_until": each.valid_until.isoformat() if each.valid_until else None,
                "revoked_at": each.revoked_at.isoformat() if each.revoked_at else None,
            }
            for each in keys_of(session, enterprise_named(session, name).id)
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        state = "valid" if row["valid"] else "ended"
        click.echo(f"{row['app_id']}  {row['algorithm']:9} {state:6} {row['valid_until'] or ''}")


def _overlap(old_until: datetime | None, now: datetime) -> timedelta:
    return datetime.combine(old_until.date(), time.max, CITY_ZONE) - now if old_until else OVERLAP


COMMANDS: list[click.Command] = [user, enterprise]
