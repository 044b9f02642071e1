"""Sentences of the self-defence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext


def _plain(text: Callable[[], str]) -> Callable[..., str]:
    return lambda **_: text()


SENTENCES: dict[str, Callable[..., str]] = {
    "key_not_cut": _plain(lambda: gettext("This key is not cut off")),
    "quota_out_of_range": _plain(lambda: gettext("A quota must be larger than 0 and at most 1,000,000,000")),
    "reason_needed": _plain(lambda: gettext("Give a reason of 4 to 300 characters")),
}

BUSY: dict[str, Callable[..., str]] = {
    "quota": lambda s, **_: gettext("The quota is used up; send again in %(s)s s", s=s),
    "memory": lambda s, **_: gettext("Too much is being worked on; send again in %(s)s s", s=s),
    "disk": lambda s, **_: gettext("The portal's disk is nearly full; send again in %(s)s s", s=s),
}


def busy_sentence(reason: str, wait_s: int) -> str:
    """Return why a sender has to wait."""
    words: Any = BUSY[reason]
    return str(words(s=wait_s))
