"""The command line of the MQTT door: the worker, and what an enterprise needs to connect."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ingestion_adapters.mqtt.access import login_of, sync_access
from ingestion_adapters.mqtt.worker import run_worker
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from portal.core.logs import start_logging


@click.group("mqtt", invoke_without_command=True)
@click.pass_context
def mqtt(context: click.Context) -> None:
    """Take in what arrives at the broker, until stopped; or one of the verbs below."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings.from_env()
    start_logging(settings.log_level)
    run_worker(settings, Path(os.environ["PORTAL_SOCK_DIR"]))


@mqtt.command("login")
@click.argument("app_id")
def show_login(app_id: str) -> None:
    """Print user name, password and topics for one key of an enterprise."""
    settings = Settings.from_env()
    with transaction(settings, CITY, worker=True) as session:
        found = login_of(session, settings, app_id)
    if found is None:
        click.echo("refused: no valid key has this app id", err=True)
        sys.exit(1)
    click.echo(f"user {found.app_id}\npassword {found.password}")
    click.echo(f"publish gas/{found.uscc}/DATASET\nsubscribe gas/{found.uscc}/receipt")


@mqtt.command("access")
def renew_access() -> None:
    """Write the broker's password file and access list again and let it read them."""
    click.echo("the broker reads them" if sync_access(Settings.from_env(), again=True) else "no broker runs")


COMMANDS: list[click.Command] = [mqtt]
