"""Sentences of errors about risk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext

from portal.safety.risk.labels import factor_words, figure_words


def _figure(key: str = "", name: str = "", **_: Any) -> str:
    return gettext(
        "This figure cannot be used: %(factor)s, %(name)s.",
        factor=factor_words().get(key, key),
        name=figure_words(key, name),
    )


def _draft_open(**_: Any) -> str:
    return gettext("There is a draft already. Release it or put it aside first.")


def _rehearsal_needed(**_: Any) -> str:
    return gettext("Work out the what-if of this draft first.")


def _other_person(**_: Any) -> str:
    return gettext("Somebody else than who drew it up has to release it.")


def _outdated(**_: Any) -> str:
    return gettext("Another version was released since. Draw the draft up again from it.")


def _not_a_draft(**_: Any) -> str:
    return gettext("This version is no draft any more.")


SENTENCES: dict[str, Callable[..., str]] = {
    "risk_figure": _figure,
    "risk_draft_open": _draft_open,
    "risk_rehearsal_needed": _rehearsal_needed,
    "risk_other_person_needed": _other_person,
    "risk_draft_outdated": _outdated,
    "risk_not_a_draft": _not_a_draft,
}
