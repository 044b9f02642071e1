"""Commands of the reports: make, verify, list."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from reports import archive
from reports.services import (
    KINDS,
    MAX_FILE_BYTES,
    Order,
    enterprise_by_name,
    make_report,
    month_of,
    verify_file,
)


@click.group()
def report() -> None:
    """Make, verify and list reports."""


@report.command("make")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--enterprise", required=True, help="USCC or short name.")
@click.option("--period", required=True, help="Month, such as 2026-10.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--language", default="zh_CN", type=click.Choice(["zh_CN", "en"]), show_default=True)
def make(kind: str, enterprise: str, period: str, out: Path, language: str) -> None:
    """Make a report of KIND, archive it and write its PDF."""
    settings = Settings.from_env()
    with transaction(settings, CITY, worker=True) as session:
        order = Order(kind, enterprise_by_name(session, enterprise), month_of(period), language)
        made = make_report(session, order, settings=settings, actor=cli_actor(), now=utc_now())
    out.write_bytes(made.pdf)
    score = "no data" if made.score is None else f"{made.score:.1f}"
    click.echo(f"{out}  score {score}  version {made.version}  code {made.verify_code}  sm3 {made.pdf_sm3}")


@report.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: Path, *, as_json: bool) -> None:
    """Tell a true file from a changed one; exit code 0 when true, 1 when changed or unknown."""
    if file.stat().st_size > MAX_FILE_BYTES:
        raise click.ClickException("larger than any report")
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        verdict = verify_file(session, file.read_bytes())
    named = f"{verdict.report.title}, version {verdict.report.version}" if verdict.report else ""
    if as_json:
        click.echo(json.dumps(asdict(verdict), default=str, ensure_ascii=False))
    else:
        said = {
            "true": f"true copy of {named}",
            "changed": f"CHANGED: carries the code of {named} but is not that file",
            "unknown": "unknown: no archived report is this file",
        }
        click.echo(said[verdict.result], err=verdict.result != "true")
    sys.exit(0 if verdict.result == "true" else 1)


@report.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_reports(*, as_json: bool) -> None:
    """List the newest reports."""
    with transaction(Settings.from_env(), CITY, worker=True) as session:
        lines = archive.reports(session)
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], default=str, ensure_ascii=False))
        return
    for line in lines:
        score = "   –" if line.score is None else f"{line.score:5.1f}"
        click.echo(
            f"{line.id:>5}  {line.period_from:%Y-%m}  v{line.version}  {score}  {line.verify_code}  {line.title}"
        )


COMMANDS: list[click.Command] = [report]
