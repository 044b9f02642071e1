"""Command line of risk: `risk compute`."""

from __future__ import annotations

import json

import click

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.safety.risk.jobs import grade_risk
from portal.safety.risk.queries import colour_totals, last_run


@click.group("risk")
def risk() -> None:
    """Work out the risk of the network."""


@risk.command("compute")
@click.option("--json", "as_json", is_flag=True)
def compute(as_json: bool) -> None:
    """Work out every segment anew and print kilometres by colour."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        said = grade_risk(session, utc_now())
        run, totals = last_run(session), colour_totals(session, CITY)
    if run is None or not said.startswith("all"):
        raise click.ClickException(said)
    names = {1: "red", 2: "orange", 3: "yellow", 4: "blue"}
    km = {names[colour]: round(length, 3) for colour, (_, length) in sorted(totals.items())}
    if as_json:
        told = {
            "segments": run.segments_n,
            "changed": run.changed_n,
            "took_ms": run.took_ms,
            "model": run.model_id,
            "km": km,
        }
        click.echo(json.dumps(told))
        return
    click.echo(f"{run.segments_n} segments in {run.took_ms} ms, version {run.model_id}, {run.changed_n} changed colour")
    for name, length in km.items():
        click.echo(f"{name:8} {length:12.3f} km")


COMMANDS: list[click.Command] = [risk]
