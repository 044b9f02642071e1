"""Search by code, name and address: what fits comes best first, and never from outside the scope."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gis.network.queries import REMOVED
from gis.search.queries import numbers_by_layer, stems_of
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, Scope
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe

Two = tuple[Enterprise, Enterprise, str]


@pytest.fixture
def two(settings: Settings) -> Two:
    """Give two enterprises with pipes whose codes begin alike, and that beginning."""
    mark = secrets.token_hex(3)
    with transaction(settings, CITY, worker=True) as session:
        ours, theirs = make_enterprise(session), make_enterprise(session)
        for code, name in ((f"{mark}-10", "城中路"), (f"{mark}-1", None), (f"X{mark}", None), (f"{mark}%2", None)):
            make_pipe(session, ours, src_code=code, name=name)
        make_pipe(session, ours, src_code=f"{mark}-3", status=REMOVED)
        make_pipe(session, theirs, src_code=f"{mark}-4", adcode="990102")
    return ours, theirs, mark


def codes(settings: Settings, scope: Scope, words: str, limit: int = 50) -> list[str]:
    """Return the codes that a search finds, in its order."""
    with transaction(settings, scope) as session:
        numbers = numbers_by_layer(session, ["pipe"], words, stems_of(session, words), limit).get("pipe", [])
        known = dict(
            session.execute(text("select id, src_code from gas_pipe where id = any(:ids)"), {"ids": numbers}).all()
        )
        return [known[number] for number in numbers]


def test_the_exact_code_comes_first_then_beginnings_then_the_rest(settings: Settings, two: Two) -> None:
    found = codes(settings, CITY, f"{two[2]}-1".upper())
    assert found == [f"{two[2]}-1", f"{two[2]}-10"]
    assert codes(settings, CITY, two[2])[-1] == f"X{two[2]}"
    assert f"{two[2]}-3" not in codes(settings, CITY, two[2])


def test_signs_of_patterns_are_taken_as_they_stand(settings: Settings, two: Two) -> None:
    assert codes(settings, CITY, f"{two[2]}%") == [f"{two[2]}%2"]
    assert codes(settings, CITY, f"{two[2]}_") == []
    assert codes(settings, CITY, "\\") == []


def test_a_search_keeps_to_the_scope(settings: Settings, two: Two) -> None:
    ours, theirs, mark = two
    assert codes(settings, Scope(enterprise_ids=frozenset({theirs.id})), mark) == [f"{mark}-4"]
    assert codes(settings, Scope(adcodes=frozenset({"990102"})), mark) == [f"{mark}-4"]
    assert f"{mark}-4" not in codes(settings, Scope(enterprise_ids=frozenset({ours.id})), mark)
    assert codes(settings, Scope(), mark) == []


def test_the_function_itself_keeps_to_the_signed_scope(settings: Settings, two: Two) -> None:
    asked = text("select count(*) from search_layer('pipe', :words, 50)")
    with transaction(settings, Scope(enterprise_ids=frozenset({two[1].id}))) as session:
        assert session.scalar(asked, {"words": two[2]}) == 1
        session.execute(text("select set_config('app.scope', '*', true)"))
        assert session.scalar(asked, {"words": two[2]}) == 0


def test_nobody_else_may_call_it(settings: Settings) -> None:
    sql = "select has_function_privilege('public', 'search_layer(text, text, integer)', 'execute')"
    with transaction(settings, CITY) as session:
        assert session.scalar(text(sql)) is False
        with pytest.raises(DBAPIError):
            session.execute(
                text("create or replace function search_layer(text, text, integer) returns int language sql as 'select 1'")
            )
