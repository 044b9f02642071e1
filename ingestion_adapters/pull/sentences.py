"""Sentences of what can be wrong with a source that is asked by schedule, and why a question failed."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext


def _plain(text: Callable[[], str]) -> Callable[..., str]:
    return lambda **_: text()


SENTENCES: dict[str, Callable[..., str]] = {
    "pull_url": _plain(
        lambda: gettext("The address must be a plain http or https address without user name and fragment")
    ),
    "pull_host": _plain(lambda: gettext("The host is not among those that PORTAL_PULL_HOSTS allows")),
    "pull_period": _plain(lambda: gettext("The period must lie between 10 seconds and one day")),
    "pull_cursor": _plain(lambda: gettext("The cursor must be printable and at most 512 characters long")),
    "pull_header": _plain(lambda: gettext("This header cannot be sent, or its value is missing")),
    "pull_source": _plain(lambda: gettext("There is no such source")),
    "pull_stopped": _plain(lambda: gettext("This source is stopped")),
    "pull_away": _plain(lambda: gettext("The server cannot be reached or broke off")),
    "pull_slow": _plain(lambda: gettext("The server took too long")),
    "pull_large": _plain(lambda: gettext("The answer is too large; the server must cut it into pages")),
    "pull_tls": _plain(lambda: gettext("The server's certificate is not trusted")),
    "pull_status": _plain(lambda: gettext("The server refused the question")),
    "pull_redirect": _plain(lambda: gettext("The server sent the question elsewhere; that is not followed")),
    "pull_unknown_host": _plain(lambda: gettext("The host's name is not known here")),
    "pull_header_changed": _plain(lambda: gettext("The stored header was changed beside the portal; enter it again")),
}
