"""Password rules: what is refused, what is accepted, and that hashes verify."""

from __future__ import annotations

import pytest

from portal.accounts.passwords import (
    broken_rules,
    classes_in,
    hash_password,
    is_common,
    is_outdated,
    is_password,
    is_reused,
    one_time_password,
    stranger_hash,
)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Ab1-efgh", "password_short"),
        ("abcdefghijkl", "password_classes"),
        ("lowercase12345", "password_classes"),
        ("zhaomin-2026X", "password_name"),
        ("X9-ZHAOMIN-pq", "password_name"),
        ("赵敏的Password9", "password_name"),
        ("Password123!", "password_common"),
        ("P@ssw0rd2026", "password_common"),
        ("Qwerty!12345", "password_common"),
        ("Admin@123456", "password_common"),
        ("Ranqi@202611", "password_common"),
        ("1234567890!", "password_common"),
        ("Aa1Aa1Aa1Aa1", "password_common"),
        ("x" * 130 + "A1-", "password_long"),
    ],
)
def test_weak_password_is_refused_with_its_reason(password: str, code: str) -> None:
    assert code in broken_rules(password, login="zhaomin", display_name="赵敏")


@pytest.mark.parametrize("password", ["Kelp-river-82", "9Pumpen+Regen", "松柏-Tq7vLm2x", "v3Lok!tarm0s"])
def test_strong_password_is_accepted(password: str) -> None:
    assert broken_rules(password, login="zhaomin", display_name="赵敏") == []


def test_four_classes_are_told_apart() -> None:
    assert [classes_in(each) for each in ("abc", "abC", "abC1", "abC1-")] == [1, 2, 3, 4]


def test_own_login_of_one_sign_does_not_forbid_that_sign() -> None:
    assert broken_rules("Kelp-river-82", login="k", display_name="") == []


def test_hash_verifies_only_its_password() -> None:
    made = hash_password("Kelp-river-82")
    assert made.startswith("$argon2id$")
    assert is_password("Kelp-river-82", made)
    assert not is_password("Kelp-river-83", made)
    assert not is_password("Kelp-river-82", "not a hash")
    assert not is_outdated(made)
    assert is_outdated("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng")
    assert not is_password("anything", stranger_hash())


def test_last_five_passwords_are_refused_and_the_sixth_is_not() -> None:
    past = [hash_password(f"Kelp-river-{n}") for n in range(6)]
    assert is_reused("Kelp-river-4", past)
    assert not is_reused("Kelp-river-5", past)


def test_one_time_passwords_meet_the_rules_and_differ() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert all(broken_rules(each, login="zhaomin", display_name="赵敏") == [] for each in made)
    assert not any(is_common(each) for each in made)
