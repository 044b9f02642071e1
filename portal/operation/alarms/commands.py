"""Command line of alarms: proving or rebuilding their present state from facts and events."""

from __future__ import annotations

import json
import sys

import click

from portal.audit.commands import alarms
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import transaction
from portal.operation.alarms.projection import projection_differences, rebuild_projection

SHOWN_MOST = 20


@alarms.command("state")
@click.option("--rebuild", is_flag=True, help="Write the present state anew where it differs.")
@click.option("--json", "as_json", is_flag=True)
def check_state(rebuild: bool, as_json: bool) -> None:
    """Play every alarm's events again and compare with the present state; exit 1 when it differs."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        found = projection_differences(session)
        changed = rebuild_projection(session) if rebuild and found else 0
        if changed:
            actor = cli_actor()
            record(session, actor, "alarm.rebuild", object_type="alarm", after={"rows": changed})
    if as_json:
        click.echo(json.dumps({"differences": len(found), "rebuilt": changed}))
    else:
        click.echo(f"differences {len(found)}, rebuilt {changed}")
        for each in found[:SHOWN_MOST]:
            click.echo(f"alarm {each.alarm_id}: {each.column} is {each.stored}, events say {each.rebuilt}")
    if found and not rebuild:
        sys.exit(1)


COMMANDS: list[click.Command] = [alarms]
