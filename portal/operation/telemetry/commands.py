"""Command line of readings: `telemetry …`."""

from __future__ import annotations

import json
from datetime import datetime

import click
from sqlalchemy import text

from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.telemetry.packing import pack_due
from portal.operation.telemetry.retention import keep_years, retirable_days, retire_due


@click.group("telemetry")
def telemetry() -> None:
    """Pack, check and retire readings."""


@telemetry.command("retire")
@click.option("--dry-run", is_flag=True, help="Say what would go and what stands against it; remove nothing.")
@click.option("--json", "as_json", is_flag=True)
def retire(dry_run: bool, as_json: bool) -> None:
    """Remove the readings of days beyond the years they are kept."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        days, years = retirable_days(session), keep_years(session)
        said = None if dry_run else retire_due(session, utc_now(), actor=cli_actor())
    if as_json:
        rows = [{"day": str(each.day), "readings": each.readings, "obstacle": each.obstacle} for each in days]
        click.echo(json.dumps({"keep_years": years, "days": rows, "done": said}))
        return
    click.echo(f"kept for {years} years; {len(days)} days are older")
    for each in days:
        click.echo(f"{each.day}  {each.readings:>12}  {each.obstacle or 'may go'}")
    if said:
        click.echo(said)


@telemetry.command("pack")
def pack() -> None:
    """Pack the oldest day that is due; again until nothing is due."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        click.echo(pack_due(session, utc_now()))


@telemetry.command("verify")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
def verify(day: datetime) -> None:
    """Read a packed day back and compare count and digest with those taken when it was packed; 1 when they differ."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        kept = session.execute(
            text("select readings, digest from packed_day where day = :day and retired_at is null"), {"day": day.date()}
        ).one_or_none()
        if kept is None:
            raise click.ClickException("that day is not packed")
        found = session.execute(
            text(
                "select count(*) as readings, coalesce(sum(reading_digest(ts, point_id, value, receipt_id, quality, flag, delay_s)), 0)"
                " as digest from reading_unpacked where day = :day"
            ),
            {"day": day.date()},
        ).one()
    if tuple(kept) != tuple(found):
        raise click.ClickException(f"packed {kept.readings} readings, found {found.readings}; digests {kept.digest} and {found.digest}")
    click.echo(f"intact: {found.readings} readings")


COMMANDS: list[click.Command] = [telemetry]
