"""The command line of network deliveries: import and check."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gis.network.answers import check_answer
from gis.network.graph_queries import load_grid, owners_of_pipes
from gis.network.topology_store import build_topology
from ingestion_adapters.files.judge import Judged, judge_delivery
from ingestion_adapters.files.network_verbs import isolate_pipe, show_check, trace
from ingestion_adapters.files.report import report_json
from ingestion_adapters.files.store import known_nodes, limits_of_city, store_delivery
from portal.accounts.queries import enterprise_named
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction

SHOWN_FINDINGS = 30


@click.group("network")
def network() -> None:
    """Import networks, check them and ask them questions."""


@network.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--enterprise", required=True, help="USCC or short name")
@click.option("--crs", help="EPSG:n, GCJ02 or BD09; detected from the file when it says so")
@click.option("--dry-run", is_flag=True, help="judge only, store nothing")
@click.option(
    "--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="write the report as JSON"
)
def import_network(
    files: tuple[Path, ...], enterprise: str, crs: str | None, dry_run: bool, report_file: Path | None
) -> None:
    """Judge the files of one delivery and store what is good; the rest waits in quarantine."""
    settings = Settings.from_env()
    with transaction(settings, CITY, worker=True) as session:
        owner = enterprise_named(session, enterprise)
        nodes, limits = known_nodes(session, owner.id), limits_of_city(session)
    click.echo(f"reading {len(files)} file(s) …", err=True)
    judged = judge_delivery(files, crs, limits, known_nodes=nodes)
    if report_file:
        report_file.write_text(json.dumps(report_json(judged), ensure_ascii=False, indent=1), encoding="utf-8")
    _show(judged)
    if judged.needs_crs:
        click.echo("refused: the coordinate system cannot be known from the file; give --crs", err=True)
        sys.exit(1)
    if dry_run:
        _end(bool(judged.records))
        return
    click.echo("storing …", err=True)
    with transaction(settings, CITY, worker=True) as session:
        done = store_delivery(session, owner.id, judged, list(files), door="cli", actor=cli_actor(), now=utc_now())
    click.echo(
        f"receipt {done.receipt_id}: {done.accepted} stored, {done.unchanged} unchanged, {done.quarantined} rows in quarantine; "
        f"network of {done.topology.pipes} pipes in {done.topology.parts} part(s), {done.topology.unfed} not supplied"
    )
    _end(bool(done.accepted + done.unchanged))


def _end(some_good: bool) -> None:
    if not some_good:
        click.echo("refused: no row of this delivery is good", err=True)
        sys.exit(1)


@network.command("check")
@click.option("--enterprise", help="USCC or short name; without it every enterprise is checked")
@click.option("--json", "as_json", is_flag=True)
def check_network(enterprise: str | None, as_json: bool) -> None:
    """Rebuild the topology of the stored network and say what it shows."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        owners = [enterprise_named(session, enterprise).id] if enterprise else owners_of_pipes(session)
        parts = sum(build_topology(session, each).parts for each in owners)
        stored = load_grid(session, owners[0] if enterprise else None)
        answer = check_answer(session, stored) | {"parts": parts}
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    show_check(answer)


def _show(judged: Judged) -> None:
    counts = judged.counts
    click.echo(f"coordinate system: {judged.crs or '?'} ({judged.crs_evidence.get('en', '')})")
    click.echo(f"{counts.rows} rows: {counts.accepted} good, {counts.quarantined} refused")
    for found in judged.findings[:SHOWN_FINDINGS]:
        if found.severity != "notice":
            click.echo(
                f"  {found.severity:8}{found.file}:{found.row} {found.object} {found.field} {found.rule} {found.code} {found.message_zh}"
            )
    if len(judged.findings) > SHOWN_FINDINGS:
        click.echo(f"  … {len(judged.findings) - SHOWN_FINDINGS} more; see --report or the page of the receipt")


network.add_command(isolate_pipe)
network.add_command(trace)
COMMANDS: list[click.Command] = [network]
