"""The command line of the stored network: isolate a pipe, trace where gas comes from and goes to."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import click
from sqlalchemy.orm import Session

from gis.network.answers import Place, isolation_answer, trace_answer
from gis.network.graph_queries import StoredGrid, codes_named, load_grid
from gis.network.isolation import Unfed
from portal.accounts.queries import enterprise_named
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction

MOST_PLANS = 20
SHOWN = 20
TRACED = ("pipe", "node", "valve", "regulator", "station", "user")


def refuse(reason: str) -> NoReturn:
    """Say why nothing was done and end with 1."""
    click.echo(f"refused: {reason}", err=True)
    sys.exit(1)


def _one(session: Session, kind: str, name: str, owner: int | None) -> Place | None:
    found = codes_named(session, kind, name, owner)
    if len(found) > 1:
        refuse(f"several enterprises have a {kind} {name}; say whose with --enterprise")
    return Place(kind, *found[0]) if found else None


def _needed(session: Session, kind: str, name: str, owner: int | None) -> Place:
    return _one(session, kind, name, owner) or refuse(f"no {kind} has the code {name}")


def _owner(session: Session, enterprise: str | None) -> int | None:
    return enterprise_named(session, enterprise).id if enterprise else None


def _fed_grid(session: Session) -> StoredGrid:
    """Load the network of all enterprises, since gas crosses their borders."""
    stored = load_grid(session)
    if not len(stored.pipes):
        refuse("no pipe is in service; import a network first")
    if not len(stored.grid.network.sources):
        refuse("the network has no source: give a station in service its node, or a node the kind 8 (气源)")
    return stored


@click.command("isolate")
@click.option("--pipe", required=True, help="the enterprise's own code of the pipe, or its number")
@click.option("--broken-valve", "broken", multiple=True, help="a valve that cannot be closed; may be given repeatedly")
@click.option("--plans", type=click.IntRange(0, MOST_PLANS), default=0, help="so many best plans, the readiest first")
@click.option("--enterprise", help="USCC or short name, where codes of enterprises collide")
@click.option("--json", "as_json", is_flag=True)
def isolate_pipe(pipe: str, broken: tuple[str, ...], plans: int, enterprise: str | None, as_json: bool) -> None:
    """Say which valves to close around a pipe, in closing order, and who loses gas."""
    with transaction(Settings.from_env(), CITY) as session:
        owner = _owner(session, enterprise)
        place = _needed(session, "pipe", pipe, owner)
        stuck = [_needed(session, "valve", each, owner).number for each in broken]
        stored = _fed_grid(session)
        if stored.position("pipe", place.number) is None:
            refuse(f"pipe {place.code} is not in service, no gas runs in it")
        try:
            answer = isolation_answer(session, stored, place, stuck, plans=plans)
        except Unfed:
            refuse(f"pipe {place.code} is not connected to any source through open valves: there is nothing to close")
    if stopped := answer.get("sources_to_stop"):
        click.echo(f"valves are not enough: gas must also be stopped at the source {', '.join(stopped)}", err=True)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    _show_isolation(answer)


def _show_isolation(answer: dict[str, Any]) -> None:
    lost = answer["lost"]
    click.echo(f"close, in this order: {', '.join(answer['valves']) or 'no valve'}")
    click.echo(f"isolated: {len(answer['segment_pipes'])} pipe(s)")
    click.echo(f"without gas: {lost['users']} user(s), {len(lost['nodes'])} node(s)")
    for user_class, count in lost["by_class"].items():
        click.echo(f"  class {user_class}: {count}")
    for index, plan in enumerate(answer.get("plans", []), 1):
        click.echo(
            f"plan {index}: {', '.join(plan['valves']) or 'no valve'}; {plan['on_site']} to go to, "
            f"{plan['lost']['users']} users without gas, {plan['volume_m3']} m³ isolated"
        )


def show_check(answer: dict[str, Any]) -> None:
    """Say in words what a check found."""
    click.echo(
        f"{answer['pipes']} pipes in {answer['parts']} part(s), {answer['sources']} source(s), "
        f"{answer['unfed']} pipes and {answer['unfed_users']} users not supplied, {answer['bridges']} pipes on no loop"
    )
    if answer["pipes"] and not answer["sources"]:
        click.echo("the network has no source: nothing is supplied")
    for part in answer["unfed_parts"][:SHOWN]:
        click.echo(f"  not supplied: {part['pipes']} pipe(s), {part['users']} user(s), among them {part['example']}")
    words = {
        "self_loops": "pipes that end where they begin",
        "zero_length": "pipes without length",
        "valves_sharing_a_node": "valves that share a node: closing one closes it",
    }
    for key, meaning in words.items():
        if found := answer[key]:
            click.echo(f"{len(found)} {meaning}: {', '.join(found[:SHOWN])}{' …' if len(found) > SHOWN else ''}")


@click.command("trace")
@click.option(
    "--from", "begin", required=True, help="code of a pipe, node, valve, regulator, station or user; KIND:CODE"
)
@click.option("--upstream", "up", is_flag=True, help="what gas comes by on its way there")
@click.option("--downstream", "down", is_flag=True, help="what gas can go on to from there")
@click.option("--enterprise", help="USCC or short name, where codes of enterprises collide")
@click.option("--json", "as_json", is_flag=True)
def trace(begin: str, up: bool, down: bool, enterprise: str | None, as_json: bool) -> None:
    """Follow gas from an object towards its sources or away from them."""
    if up == down:
        raise click.UsageError("say either --upstream or --downstream")
    with transaction(Settings.from_env(), CITY) as session:
        place = _begin(session, begin, _owner(session, enterprise))
        answer = trace_answer(session, _fed_grid(session), place, down=down)
    if answer is None:
        refuse(f"{place.kind} {place.code} is not connected to any pipe in service")
    if not answer["sources"]:
        refuse(f"no source feeds {place.kind} {place.code} through open valves: gas has no direction there")
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    click.echo(
        f"{answer['direction']} of {place.kind} {place.code}: {len(answer['pipes'])} pipe(s), "
        f"{answer['length_m']} m, {len(answer['nodes'])} node(s), {answer['users']} user(s)"
    )
    click.echo(f"fed by: {', '.join(answer['sources'])}")
    click.echo(f"pipes: {', '.join(answer['pipes'][:SHOWN])}{' …' if len(answer['pipes']) > SHOWN else ''}")


def _begin(session: Session, name: str, owner: int | None) -> Place:
    kind, parted, code = name.partition(":")
    if parted and kind in TRACED:
        return _needed(session, kind, code, owner)
    found = [place for each in TRACED if (place := _one(session, each, name, owner))]
    if not found:
        refuse(f"no pipe, node, valve, regulator, station or user has the code {name}")
    if len(found) > 1:
        others = ", ".join(f"{each.kind}:{each.code}" for each in found[1:])
        click.echo(
            f"taken as pipe or first of its name, {found[0].kind}:{found[0].code}; there is also {others}", err=True
        )
    return found[0]
