"""The command line of hydraulics: solve the stored network."""

from __future__ import annotations

import json
import sys
import time

import click

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from portal.core.errors import PortalError
from portal.network.hydraulics.forms import Asked
from portal.network.hydraulics.solving import answer_of, hour_now
from portal.network.hydraulics.telling import seen_of, told_answer, zone_counts

SHOWN = 20


@click.group("hydraulics")
def hydraulics() -> None:
    """Pressures and flows of the stored network."""


@hydraulics.command("solve")
@click.option("--closed-valve", "closed", multiple=True, type=int, help="number of a valve that is closed as well")
@click.option("--lost-station", "lost", multiple=True, type=int, help="number of a station that gives no gas")
@click.option(
    "--serving-station", "serving", multiple=True, type=int, help="a store or LNG station that holds its pressure"
)
@click.option("--factor", type=click.FloatRange(0, 10), default=1.0, help="of the demand")
@click.option("--hour", type=click.IntRange(0, 23), help="of the day; without it now, by flow readings")
@click.option("--json", "as_json", is_flag=True)
def solve(
    closed: tuple[int, ...],
    lost: tuple[int, ...],
    serving: tuple[int, ...],
    factor: float,
    hour: int | None,
    as_json: bool,
) -> None:
    """Work out the steady state; ends with 1 when no part of the network has one."""
    settings = Settings.from_env()
    asked = Asked(closed, lost, serving, factor, hour)
    began = time.perf_counter()
    try:
        answer = answer_of(settings, asked.scenario(hour_now()), by_readings=hour is None)
    except PortalError as refused:
        click.echo(f"refused: {refused.code}", err=True)
        sys.exit(1)
    took_ms = (time.perf_counter() - began) * 1000
    with transaction(settings, CITY) as session:
        told = told_answer(session, CITY, answer, seen_of(session, CITY, answer))
    told |= {"zones": zone_counts(answer), "took_ms": round(took_ms, 1)}
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        _show(told)
    if not told["solved_nodes"]:
        sys.exit(1)


def _show(told: dict[str, object]) -> None:
    for name in (
        "nodes", "solved_nodes", "pipes", "demand_m3_per_h", "users_without", "users_below", "fast_pipes",
        "greatest_residual_m3_per_h", "fastest_m_per_s", "took_ms",
    ):  # fmt: skip
        click.echo(f"{name:28} {told[name]}")
    for each in told["classes"]:  # type: ignore[attr-defined]
        click.echo(
            f"class {each['pressure_class']}: {each['lowest_kpa']} to {each['highest_kpa']} kPa, "
            f"{each['below']} of {each['nodes']} nodes below {each['floor_kpa']} kPa"
        )
    for each in told["problems"][:SHOWN]:  # type: ignore[index]
        named = ", ".join(example["code"] for example in each["examples"])
        click.echo(f"{each['trouble']}: {each['nodes']} nodes, {each['users']} users ({named})")


COMMANDS: list[click.Command] = [hydraulics]
