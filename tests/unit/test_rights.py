"""Rights: who holds what, which rows are seen, lock-out, session times, addresses and seals over ledgers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.accounts.rights import (
    ADMIN_ROLES,
    PERMISSIONS,
    Rights,
    Role,
    permissions_of,
    rights_problems,
    rights_text,
    scope_of,
)
from portal.accounts.rules import (
    SessionTimes,
    is_deed,
    is_login,
    is_uscc,
    local_path,
    locked_until,
    session_end,
)
from portal.audit.rules import differences
from portal.audit.sealing import Row, Seal, judge, link
from portal.core.actor import CITY, NOTHING, Scope
from portal.core.cells import safe_cell
from portal.core.crypto import PROVIDER

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
MANAGING = {
    "account.manage",
    "enterprise.manage",
    "key.manage",
    "session.manage",
    "parameter.manage",
    "audit.read",
}


def test_no_role_holds_the_duties_of_two_administrators() -> None:
    held = {role: PERMISSIONS[role] & MANAGING for role in Role}
    assert held[Role.SYSTEM_ADMIN] == {"account.manage", "enterprise.manage"}
    assert held[Role.SECURITY_ADMIN] == {"key.manage", "session.manage", "parameter.manage"}
    assert held[Role.AUDITOR] == {"audit.read"}
    assert all(not held[role] for role in Role if role not in ADMIN_ROLES)


def test_auditor_reads_the_audit_and_nothing_else() -> None:
    assert permissions_of(Role.AUDITOR) == {"self", "audit.read"}
    assert permissions_of(99) == frozenset()


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.CITY_REGULATOR, CITY),
        (Role.DISTRICT_REGULATOR, Scope(adcodes=frozenset({"990101"}))),
        (Role.ENTERPRISE_MANAGER, Scope(enterprise_ids=frozenset({3}))),
        (Role.EVALUATOR, Scope(enterprise_ids=frozenset({5, 7}))),
        (Role.SYSTEM_ADMIN, NOTHING),
        (Role.AUDITOR, NOTHING),
    ],
)
def test_scope_follows_the_role(role: Role, seen: Scope) -> None:
    assert scope_of(role, enterprise_id=3, adcodes=["990101"], granted=[5, 7]) == seen


@pytest.mark.parametrize(
    ("rights", "problem"),
    [
        (Rights(4), "enterprise_needed"),
        (Rights(1, enterprise_id=3), "enterprise_not_wanted"),
        (Rights(3), "district_needed"),
        (Rights(8, adcodes=["990101"]), "district_not_wanted"),
        (Rights(5, enterprise_id=3, granted_enterprise_ids=[3]), "grant_not_wanted"),
        (Rights(42), "role_unknown"),
    ],
)
def test_rights_that_do_not_fit_are_named(rights: Rights, problem: str) -> None:
    found = rights_problems(
        rights.role,
        enterprise_id=rights.enterprise_id,
        adcodes=rights.adcodes,
        granted=rights.granted_enterprise_ids,
    )
    assert problem in found


def test_sealed_text_changes_with_every_right() -> None:
    def words(**other: object) -> str:
        given = {
            "enterprise_id": 3,
            "adcodes": ["2", "1"],
            "granted": [9],
            "granted_until": NOON,
        } | other
        return rights_text("zhao", 4, **given)  # type: ignore[arg-type]

    assert words() == words(adcodes=["1", "2"])
    changed = {
        words(),
        words(enterprise_id=4),
        words(adcodes=["1"]),
        words(granted=[]),
        words(granted_until=None),
    }
    assert len(changed) == 5


def test_fifth_failure_within_a_quarter_hour_locks_for_a_quarter_hour() -> None:
    failures = [NOON - timedelta(minutes=3 * n) for n in range(5)]
    assert locked_until(failures, 5) == NOON + timedelta(minutes=15)
    assert locked_until(failures[:4], 5) is None
    spread = [NOON - timedelta(minutes=4 * n) for n in range(5)]
    assert locked_until(spread, 5) is None


def test_session_ends_when_idle_or_old() -> None:
    def end(age_min: float, idle_min: float) -> str | None:
        times = SessionTimes(NOON - timedelta(minutes=age_min), NOON - timedelta(minutes=idle_min))
        return session_end(times, NOON, idle_minutes=15, session_hours=8)

    assert [end(60, 14), end(60, 15), end(480, 1)] == [None, "idle", "expired"]


def test_news_of_an_open_page_does_not_keep_a_session_alive() -> None:
    def deed(path: str, method: str = "GET", fetched: bool = True, by_htmx: bool = False) -> bool:
        return is_deed(method, path, fetched=fetched, by_htmx=by_htmx)

    assert [deed("/live"), deed("/map/alarms", by_htmx=True), deed("/operation/alarms")] == [False] * 3
    assert deed("/operation/alarms", fetched=False)
    assert deed("/map/object/pipe/1", by_htmx=True)
    assert deed("/tiles/pipe/10/1/1.mvt")
    assert deed("/operation/alarms/1/acknowledge", "POST")


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil", "map", "", None, "/a\nb", "\\x"]
)
def test_address_off_this_server_is_refused(wanted: str | None) -> None:
    assert local_path(wanted) is None


def test_address_on_this_server_is_kept() -> None:
    assert local_path("/map?z=12&x=1.5#pipe") == "/map?z=12&x=1.5#pipe"


def test_login_names_and_credit_codes_are_checked() -> None:
    assert [is_login(each) for each in ("zhao.min-2", "z", "Zhao", "zhao min", "赵敏", "a" * 33)] == [True] + [
        False
    ] * 5
    # The check sign of GB 32100-2015 for this well-known body is 3.
    assert is_uscc("91350100M000100Y43")
    assert not is_uscc("91350100M000100Y44")
    assert not is_uscc("91350100M000100I43")


def test_differences_show_what_changed() -> None:
    assert differences({"a": 1, "b": "x"}, {"a": 2, "b": "x", "c": None}) == [
        ("a", "1", "2", True),
        ("b", "x", "x", False),
        ("c", "", "", False),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "＝1"])
def test_cells_cannot_become_formulas(text: str) -> None:
    assert safe_cell(text) == "'" + text
    assert safe_cell("plain") == "plain"


def _ledger(sizes: list[int]) -> tuple[list[Seal], list[Row]]:
    seals, rows, previous, number, low = [], [], PROVIDER.sm3(b"alarm"), 0, 0
    for seq, size in enumerate(sizes, start=1):
        made = []
        for _ in range(size):
            number += 1
            words = f"id={number}"
            made.append(Row(number, seq * 10, words, PROVIDER.sm3(words.encode())))
        high = seq * 10 + 5
        previous = link(previous, seq, high, [row.sm3 for row in made])
        seals.append(Seal(seq, low, high, size, previous))
        rows += made
        low = high
    return seals, rows


def _broken(seals: list[Seal], rows: list[Row]) -> tuple[str, int | None, int | None] | None:
    found = judge("alarm", seals, iter(rows)).first_broken
    return (found.kind, found.row_id, found.seal) if found else None


def _forged(number: int, xid: int, words: str) -> Row:
    return Row(number, xid, words, PROVIDER.sm3(words.encode()))


def test_untouched_ledger_is_intact() -> None:
    seals, rows = _ledger([3, 2, 4])
    verdict = judge("alarm", seals, iter([*rows, _forged(10, 40, "id=10")]))
    assert verdict.intact
    assert (verdict.rows, verdict.seals, verdict.unsealed) == (10, 3, 1)
    assert verdict.head == seals[-1].sm3.hex()


def test_first_broken_row_is_named() -> None:
    seals, rows = _ledger([3, 2, 4])
    assert _broken(seals, [*rows[:3], Row(4, 20, "id=44", rows[3].sm3), *rows[4:]]) == (
        "altered",
        4,
        2,
    )
    assert _broken(seals, [*rows[:6], *rows[7:]]) == ("missing", 7, 3)
    assert _broken(seals, [*rows[:3], _forged(99, 12, "id=99"), *rows[3:]]) == ("inserted", 99, 1)
    assert _broken(seals, [*rows[:3], _forged(4, 20, "id=44"), *rows[4:]]) == ("altered", 4, 2)
    assert _broken(seals[1:], rows) == ("seal", None, 1)
    assert _broken([seals[0], seals[2]], rows) == ("seal", None, 2)
    assert _broken(seals, [*rows, Row(10, 40, "id=10", b"x")]) == ("altered", 10, None)
