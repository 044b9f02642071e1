"""A change of users alone reaches the held graph without the network being loaded again, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from gis.network.fresh import Keeper, KnownGrid
from gis.network.graph_queries import load_grid
from gis.network.user_queries import StoredUsers
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe

Committed = Callable[[Callable[[Session], Any]], Any]
_ADD = text(
    "insert into gas_user (enterprise_id, src_code, adcode, user_class, households, node_id, geom) values "
    "(:e, :code, '990101', :kind, :homes, :node, ST_SetSRID(ST_MakePoint(112.5, 32), 4490)) returning id"
)


def newest(keeper: Keeper, settings: Settings) -> KnownGrid:
    keeper._asked_at -= 10
    return keeper.grid(settings)


def users_at(known: KnownGrid, node: int) -> list[tuple[int, int]]:
    at, users = known.stored.position("node", node), known.stored.grid.network.users
    cell = int(known.stored.grid.cell[at])
    here = known.stored.grid.users_of_cell.members([cell])
    return sorted((int(users.kind[each]), int(users.households[each])) for each in here if int(users.node[each]) == at)


@pytest.fixture
def removed(database: dict[str, str]) -> Callable[[int], None]:
    """Give a function that removes an enterprise's users, which only the owner of the database may."""

    def remove(enterprise: int) -> None:
        engine = create_engine(database["PORTAL_OWNER_DATABASE_URL"])
        with engine.begin() as line:
            line.execute(text("delete from gas_user where enterprise_id = :e"), {"e": enterprise})
        engine.dispose()

    return remove


@pytest.fixture
def street(committed: Committed, removed: Callable[[int], None]) -> Iterator[dict[str, int]]:
    def build(session: Session) -> dict[str, int]:
        enterprise = make_enterprise(session)
        pipe = make_pipe(session, enterprise)
        return {"e": enterprise.id, "pipe": pipe.id, "node": pipe.to_node_id}

    made = committed(build)
    yield made
    removed(made["e"])


def test_users_written_are_taken_up_by_difference(
    settings: Settings, committed: Committed, street: dict[str, int], removed: Callable[[int], None]
) -> None:
    keeper = Keeper()
    first = keeper.grid(settings)
    facts = {"e": street["e"], "node": street["node"], "kind": 10, "homes": 3}
    number = committed(lambda session: session.scalar(_ADD, facts | {"code": "GU1"}))
    committed(lambda session: session.scalar(_ADD, facts | {"code": "GU2", "kind": 40, "homes": 1}))
    second = newest(keeper, settings)
    assert second.stored.pipes is first.stored.pipes and second.stored.grid.cell is first.stored.grid.cell
    assert users_at(first, street["node"]) == [] and users_at(second, street["node"]) == [(10, 3), (40, 1)]
    committed(lambda session: session.execute(text("update gas_user set status = 4 where id = :id"), {"id": number}))
    third = newest(keeper, settings)
    assert third.stored.pipes is first.stored.pipes and users_at(third, street["node"]) == [(40, 1)]
    committed(lambda session: session.execute(text("update gas_pipe set length_m = 95 where id = :id"), {"id": street["pipe"]}))
    fourth = newest(keeper, settings)
    assert fourth.stored.pipes is not first.stored.pipes and fourth.stored.taking is third.stored.taking
    removed(street["e"])
    assert users_at(newest(keeper, settings), street["node"]) == []
    with transaction(settings, CITY) as session:
        anew = load_grid(session)
    assert np.array_equal(newest(keeper, settings).stored.users, anew.users)


def test_ten_thousand_random_changes_equal_reading_all_anew() -> None:
    pick = np.random.default_rng(3)
    table = {number: row(pick, number) for number in range(1, 20_001)}
    known = StoredUsers.of(np.array(list(table.values())))
    for _ in range(10):
        changed = {int(number): row(pick, int(number)) for number in pick.choice(22_000, 1000, replace=False) + 1}
        table |= changed
        known = known.renewed(np.array(list(changed.values())))
    anew = StoredUsers.of(np.array(list(table.values())))
    for name in ("ids", "node", "regulator", "kind", "households"):
        assert np.array_equal(getattr(known, name), getattr(anew, name))
    assert known.ids.dtype == np.int32


def row(pick: np.random.Generator, number: int) -> list[int]:
    node, regulator, kind, homes = (int(pick.integers(most)) for most in (500, 50, 60, 90))
    return [number, node, regulator, kind, homes + 1, int(pick.random() < 0.9)]
