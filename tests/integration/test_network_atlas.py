"""The atlas of weak places: worked out by the job, worst first, for each enterprise its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gis.network.graph_queries import load_grid
from gis.network.isolation import isolate
from portal.accounts.rights import Role
from portal.core.clock import utc_now
from portal.network.jobs import compute_atlas
from portal.network.models import AtlasRow, ValveProposal
from tests.integration.test_network_questions import build
from tests.people import browser_of, make_person


def test_the_atlas_holds_each_section_once_and_the_worst_first(db: Session, app: Flask) -> None:
    street = build(db, app)
    said = compute_atlas(db, utc_now())
    assert said.endswith("places")
    rows = db.scalars(
        select(AtlasRow)
        .where(AtlasRow.enterprise_id.in_(street.owners), AtlasRow.sort == "segment")
        .order_by(AtlasRow.place)
    ).all()
    for owner in street.owners:
        users = [row.users for row in rows if row.enterprise_id == owner]
        assert users and users == sorted(users, reverse=True)
    stored = load_grid(db)
    for row in rows:
        at = stored.position("pipe", row.pipe_id)
        assert at is not None
        plan = isolate(stored.grid, [at])
        assert (row.users, row.valves, row.pipes) == (plan.lost_users, len(plan.valves), len(plan.segment))
    pipes = {int(each) for row in rows for each in stored.pipes[_segment(stored, row.pipe_id)]}
    assert pipes == set(street.pipes)  # sections cover every pipe that holds gas
    assert all(row.bridge for row in rows)


def _segment(stored: Any, pipe_id: int) -> np.ndarray[Any, Any]:
    return np.asarray(isolate(stored.grid, [stored.position("pipe", pipe_id)]).segment)


def test_parts_without_supply_are_found_and_old_marks_of_changes_go(db: Session, app: Flask) -> None:
    street = build(db, app)
    db.execute(text("update gas_valve set current_state = 0 where id = :id"), {"id": street.valves["D"]})
    later = utc_now() + timedelta(days=2)
    assert compute_atlas(db, later).endswith("places")
    assert not db.scalar(text("select count(*) from network_change"))
    unfed = db.scalars(
        select(AtlasRow).where(AtlasRow.sort == "unfed", AtlasRow.enterprise_id.in_(street.owners))
    ).all()
    assert [(row.pipes, row.users) for row in unfed] == [(3, 3)]
    assert compute_atlas(db, later + timedelta(seconds=10)) == "unchanged"


def test_the_page_shows_an_enterprise_its_own_places_only(app: Flask, committed: Callable[..., Any]) -> None:
    def work(session: Session) -> tuple[Any, Any]:
        street = build(session, app)
        compute_atlas(session, utc_now())
        return street, browser_of(session, app, make_person(session, app, Role.CITY_REGULATOR))

    street, city = committed(work)
    mark = f"Q{street.owners[0]}P"
    whole, mine = (each.get("/network/atlas").get_data(as_text=True) for each in (city, street.ours))
    assert {f"{mark}{n}" for n in range(6) if f"{mark}{n}" in whole} > {
        f"{mark}{n}" for n in range(6) if f"{mark}{n}" in mine
    }
    assert f"{mark}4" not in mine and mark in mine
    exported = street.ours.get("/network/atlas.csv")
    assert exported.status_code == 200 and f"{mark}4" not in exported.get_data(as_text=True)


def test_one_more_valve_is_proposed_where_the_plans_say_it_helps(db: Session, app: Flask) -> None:
    street = build(db, app)
    compute_atlas(db, utc_now())
    rows = db.scalars(select(ValveProposal).where(ValveProposal.enterprise_id.in_(street.owners))).all()
    assert rows
    stored = load_grid(db)
    for row in rows:
        section = stored.position("pipe", row.section_pipe_id)
        assert section is not None and row.pipe_id in street.pipes
        assert row.users_before == isolate(stored.grid, [section]).lost_users
        assert row.users_after < row.users_before
        assert min(row.users_start_side, row.users_end_side) <= row.users_after <= max(row.users_start_side, row.users_end_side)
    for owner in street.owners:
        kept = [row.users_before - row.users_after for row in sorted(rows, key=lambda row: row.place) if row.enterprise_id == owner]
        assert kept == sorted(kept, reverse=True)
