"""The command line: gathers the verbs of every feature."""

from __future__ import annotations

import importlib
import json
import sys

import click
from sqlalchemy.exc import OperationalError

from portal.config import BadSettings, Settings
from portal.core.clock import utc_now
from portal.core.errors import PortalError
from portal.core.memory import give_back_memory

# Which module knows a verb: a command loads its own feature alone, not the whole portal.
VERBS = {
    "user": "portal.accounts.commands",
    "enterprise": "portal.accounts.commands",
    "audit": "portal.audit.commands",
    "alarms": "portal.operation.alarms.commands",
    "telemetry": "portal.operation.telemetry.commands",
    "hydraulics": "portal.network.hydraulics.commands",
    "risk": "portal.safety.risk.commands",
    "simulate": "ingestion_adapters.demo.commands",
    "network": "ingestion_adapters.files.commands",
    "mapping": "ingestion_adapters.mapping.commands",
    "mqtt": "ingestion_adapters.mqtt.commands",
    "report": "reports.commands",
}


class Verbs(click.Group):
    """A group whose verbs are loaded when they are called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every verb."""
        return sorted([*super().list_commands(ctx), *VERBS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a verb, None when there is none."""
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        commands: list[click.Command] = importlib.import_module(VERBS[cmd_name]).COMMANDS
        return next((command for command in commands if command.name == cmd_name), None)


@click.group(cls=Verbs, help="燃监 Ranjian: the command line of the portal")
def portal() -> None:
    """Hold the verbs."""


@portal.command("settings")
@click.option("--json", "as_json", is_flag=True)
def show_settings(as_json: bool) -> None:
    """List every setting with value, default and meaning."""
    rows = Settings.from_env().described()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']:30} {row['value']:24} {row['en']} / {row['zh']}")


@portal.group("jobs")
def jobs() -> None:
    """List or run scheduled jobs."""


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_jobs(as_json: bool) -> None:
    """List the schedule."""
    from portal.schedule import SCHEDULE  # noqa: PLC0415  # the schedule imports every feature

    rows = [{"name": job.name, "when": str(job.trigger), "why": job.why} for job in SCHEDULE]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']:22} {row['when']:44} {row['why']}")


@jobs.command("run")
@click.argument("name")
def run_one(name: str) -> None:
    """Run a job now."""
    from portal.schedule import job_named  # noqa: PLC0415  # as above
    from portal.scheduler import run_job  # noqa: PLC0415  # as above

    try:
        job = job_named(name)
    except KeyError:
        raise click.ClickException(f"no job is called {name}") from None
    run_job(Settings.from_env(), job, utc_now())
    click.echo("done")


def main() -> None:
    """Run one verb; 0 done, 1 refused with a reason, 2 wrong usage."""
    give_back_memory()
    try:
        portal()
    except (PortalError, BadSettings) as refused:
        facts = getattr(refused, "facts", {})
        click.echo(f"{refused} {facts if facts else ''}".strip(), err=True)
        sys.exit(1)
    except OperationalError as down:
        click.echo(f"the database does not answer: {str(down.orig).strip()}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
