"""Sentences of the outbox."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext


def _plain(text: Callable[[], str]) -> Callable[..., str]:
    return lambda **_: text()


SENTENCES: dict[str, Callable[..., str]] = {
    "superior": _plain(lambda: gettext("There is no such superior platform")),
    "upward_batch": _plain(lambda: gettext("There is no such batch")),
    "upward_key": _plain(
        lambda: gettext("Give the key of 16 to 200 characters; a new name or app id asks for it again")
    ),
    "upward_key_changed": _plain(lambda: gettext("The stored key was changed beside the portal; enter it again")),
    "upward_name": _plain(lambda: gettext("Give a name of up to 60 characters and the app id")),
    "upward_name_taken": _plain(lambda: gettext("Another superior platform has this name")),
    "upward_host": _plain(lambda: gettext("The address must be http(s) on a host that PORTAL_UPWARD_HOSTS allows")),
    "upward_sends": _plain(lambda: gettext("Choose at least one dataset")),
    "upward_taken": _plain(lambda: gettext("The superior platform has this batch already")),
}
