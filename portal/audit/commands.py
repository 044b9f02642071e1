"""Command line of the ledgers: `audit verify`, `alarms verify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from portal.audit.sealing import LEDGERS, Verdict, verify
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction

ALARM_LEDGERS = ("alarm", "alarm_event")


@click.group("audit")
def audit() -> None:
    """Check the audit trail."""


@audit.command("verify")
@click.option("--json", "as_json", is_flag=True)
def verify_audit(as_json: bool) -> None:
    """Recompute digests and chains of every ledger; exit 1 and name the first broken row."""
    _report(LEDGERS, as_json)


@click.group("alarms")
def alarms() -> None:
    """Check the ledgers of alarms."""


@alarms.command("verify")
@click.option("--json", "as_json", is_flag=True)
def verify_alarms(as_json: bool) -> None:
    """Recompute digests and chains of alarms and their events; exit 1 and name the first broken row."""
    _report(ALARM_LEDGERS, as_json)


def _report(ledgers: Sequence[str], as_json: bool) -> None:
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        verdicts = [verify(session, ledger) for ledger in ledgers]
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in verdicts]))
    for each in verdicts:
        if not as_json:
            click.echo(_line(each))
        if each.first_broken is not None:
            click.echo(_broken(each), err=True)
    if not all(each.intact for each in verdicts):
        sys.exit(1)


def _line(verdict: Verdict) -> str:
    state = "intact" if verdict.intact else "BROKEN"
    return (
        f"{verdict.ledger:12} {state}  rows {verdict.rows}, seals {verdict.seals}, "
        f"not yet sealed {verdict.unsealed}, head {verdict.head[:16] or '-'}"
    )


def _broken(verdict: Verdict) -> str:
    found = verdict.first_broken
    if found is None:
        return ""
    row = f"row {found.row_id}" if found.row_id is not None else "no row"
    place = f"seal {found.seal}" if found.seal is not None else "not yet sealed"
    return f"{verdict.ledger}: first broken: {row}, {found.kind} ({place}): {found.detail}"


COMMANDS: list[click.Command] = [audit, alarms]
