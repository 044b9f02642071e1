"""Sentences of the error codes of late deliveries."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext


def _plain(text: Callable[[], str]) -> Callable[..., str]:
    return lambda **_: text()


SENTENCES: dict[str, Callable[..., str]] = {
    "backfill_request": _plain(lambda: gettext("There is no such back-fill request")),
    "backfill_enterprise": _plain(lambda: gettext("Only the enterprise whose readings they are may do this")),
    "backfill_span": _plain(lambda: gettext("Give a begin before the end, both in the past")),
    "backfill_delivered": _plain(lambda: gettext("Readings came already: only the city decides on this request")),
    "backfill_decided": _plain(lambda: gettext("This request has been decided")),
    "backfill_changed": _plain(lambda: gettext("More late readings came meanwhile: look at the span again")),
    "backfill_reason": _plain(lambda: gettext("A reason is needed")),
    "backfill_too_old": lambda **f: gettext(
        "Readings older than %(years)s years are not taken, approved or not", years=f"{f.get('years', 0):g}"
    ),
    "backfill_many": lambda **f: gettext(
        "%(most)s requests wait for a decision already: withdraw some or wait", most=f.get("most", "")
    ),
}
