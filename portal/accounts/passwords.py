"""Passwords: argon2id hashes and the rules a new one must meet; pure but for randomness."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS = 10
MAX_CHARS = 128
MIN_CLASSES = 3
PAST_REFUSED = 5
NAME_MIN_CHARS = 2
COMMON_WORDS_FILE = Path(__file__).with_name("data") / "common_words.txt"
LOOK_ALIKES = str.maketrans("@403!1$5+7", "aaoeiisstt")
ONE_TIME_SIGNS = "-+=?%#"
ONE_TIME_CHARS = 14

# Above the floor of the OWASP cheat sheet (46 MiB and one pass, one lane); about 0.1 s a login.
HASHER = PasswordHasher(time_cost=2, memory_cost=47104, parallelism=1)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its own salt and parameters inside."""
    return HASHER.hash(password)


def is_password(password: str, password_hash: str) -> bool:
    """Return whether a password belongs to a hash; false for an unreadable hash."""
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Return whether a hash was made with weaker parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


@cache
def stranger_hash() -> str:
    """Return a hash nobody's password belongs to, checked when the login is unknown to take the same time."""
    return hash_password(secrets.token_urlsafe(24))


def one_time_password() -> str:
    """Return a random password that meets the rules; to be changed at first login."""
    letters = string.ascii_letters.translate(str.maketrans("", "", "IlO"))
    while True:
        body = "".join(secrets.choice(letters + "23456789") for _ in range(ONE_TIME_CHARS - 2))
        password = body + secrets.choice(ONE_TIME_SIGNS) + secrets.choice("23456789")
        if not broken_rules(password, login="", display_name=""):
            return password


def broken_rules(password: str, *, login: str, display_name: str) -> list[str]:
    """Return the codes of the rules a password breaks, in the order people should read them.

    Codes: password_short, password_long, password_classes, password_name, password_common.
    """
    broken = []
    if len(password) < MIN_CHARS:
        broken.append("password_short")
    if len(password) > MAX_CHARS:
        broken.append("password_long")
    if classes_in(password) < MIN_CLASSES:
        broken.append("password_classes")
    if _names_its_owner(password, [login, display_name]):
        broken.append("password_name")
    if is_common(password):
        broken.append("password_common")
    return broken


def classes_in(password: str) -> int:
    """Return how many of the four classes occur: lower case, upper case, digits, other signs."""
    return sum(
        any(test(char) for char in password)
        for test in (
            str.islower,
            str.isupper,
            str.isdigit,
            lambda char: not (char.islower() or char.isupper() or char.isdigit()),
        )
    )


def is_common(password: str) -> bool:
    """Return whether a password is a common word, a few of them, or one sign over and over, in disguise."""
    if len(set(password.lower())) <= MIN_CLASSES:
        return True
    bare = re.sub(r"[\W\d_]+", "", password.lower())
    # Digits and signs at the ends are decoration, inside a word they stand for letters.
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password.lower())
    return any(_is_made_of_words(each) for each in {bare, re.sub(r"[\W\d_]+", "", core.translate(LOOK_ALIKES))})


def is_reused(password: str, past_hashes: Sequence[str]) -> bool:
    """Return whether a password is among the last ones; `past_hashes` newest first."""
    return any(is_password(password, each) for each in past_hashes[:PAST_REFUSED])


@cache
def common_words() -> frozenset[str]:
    """Return the words that guessable passwords are built on."""
    lines = COMMON_WORDS_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _is_made_of_words(bare: str) -> bool:
    words = common_words()
    if bare in words or not bare:
        return True
    # Two common words side by side, or one twice, are no harder to guess.
    return any(bare[:cut] in words and bare[cut:] in words for cut in range(2, len(bare) - 1))


def _names_its_owner(password: str, names: Sequence[str]) -> bool:
    lowered = password.lower()
    return any(len(name) >= NAME_MIN_CHARS and name.lower() in lowered for name in names)
