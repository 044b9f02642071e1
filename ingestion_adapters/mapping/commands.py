"""The command line of mappings: set, show, test, schema."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import click

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.mapping.form import read_mapping, schema
from ingestion_adapters.mapping.queries import mapping_in_force, versions_of
from ingestion_adapters.mapping.services import save_mapping
from ingestion_adapters.mapping.trial import see
from portal.accounts.queries import enterprise_named
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.db import transaction

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("mapping")
def mapping() -> None:
    """Mappings of enterprises' own words."""


@mapping.command("set")
@click.argument("enterprise")
@click.argument("file", type=FILE)
@click.option("--note", default="", help="Why this version is made.")
@click.option("--from", "begins", type=click.DateTime(["%Y-%m-%d"]), help="Day from which it holds; now unless given.")
def set_mapping(enterprise: str, file: Path, note: str, begins: datetime | None) -> None:
    """Save FILE as a new version of the mapping of ENTERPRISE (USCC or short name)."""
    valid_from = begins.replace(tzinfo=CITY_ZONE) if begins else utc_now()
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        own = enterprise_named(session, enterprise)
        made = save_mapping(session, own.id, file.read_bytes(), note=note, valid_from=valid_from, actor=cli_actor())
    click.echo(f"version {made.version} holds from {made.valid_from.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}")


@mapping.command("show")
@click.argument("enterprise")
@click.option("--version", type=int, help="An earlier version instead of the one that holds.")
@click.option("--versions", "listed", is_flag=True, help="List the versions instead.")
def show(enterprise: str, version: int | None, listed: bool) -> None:
    """Print the mapping of ENTERPRISE as JSON."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        own = enterprise_named(session, enterprise)
        rows = versions_of(session, own.id)
        held = mapping_in_force(session, own.id, utc_now())
    if listed:
        for row in rows:
            click.echo(f"{row.version:>4}  {row.valid_from:%Y-%m-%d %H:%M}Z  {row.made_by:16} {row.note}")
        return
    found = held if version is None else next((row for row in rows if row.version == version), None)
    if found is None:
        click.echo("there is no such mapping", err=True)
        sys.exit(1)
    click.echo(json.dumps(found.body, ensure_ascii=False, indent=1))


@mapping.command("test")
@click.argument("enterprise")
@click.argument("dataset", type=click.Choice(list(DATASETS)))
@click.argument("message", type=FILE)
@click.option("--mapping", "file", type=FILE, help="A mapping that is not saved yet; the one that holds unless given.")
def test_message(enterprise: str, dataset: str, message: Path, file: Path | None) -> None:
    """Try the message in the file MESSAGE: print its rows in our words and its findings; nothing is stored."""
    body = None
    if file is not None:
        body, problems = read_mapping(file.read_bytes())
        if body is None or problems:
            raise click.ClickException("; ".join(problems))
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        own = enterprise_named(session, enterprise)
        try:
            seen = see(session, (own.id, dataset), message.read_bytes(), body, now=utc_now(), actor=cli_actor())
        except Refused as refused:
            raise click.ClickException(f"{refused.code} {refused.reason}") from refused
    for pair in seen.pairs:
        click.echo(
            json.dumps({"row": pair.number, "sent": pair.sent, "understood": pair.understood}, ensure_ascii=False)
        )
    for found in seen.tried.answer.rejections:
        click.echo(f"row {found.row}: {found.code} {found.field or '-'}: {found.en}")
    answer = seen.tried.answer
    click.echo(f"rows {answer.rows}, good {answer.accepted + answer.duplicate}, refused {answer.rejected}")
    sys.exit(1 if answer.all_refused else 0)


@mapping.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of the mapping file."""
    click.echo(json.dumps(schema(), ensure_ascii=False, indent=1))


COMMANDS = (mapping,)
