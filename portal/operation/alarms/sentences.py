"""Sentences of the error codes of alarms."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "alarm": lambda **_: gettext("There is no such alarm."),
    "alarm_already_acknowledged": lambda **facts: (
        gettext("This alarm was acknowledged already, by %(by)s at %(at)s.", by=facts["by"], at=facts.get("at", ""))
        if facts.get("by")
        else gettext("This alarm was acknowledged already.")
    ),
    "alarm_none_chosen": lambda **_: gettext("Choose at least one alarm."),
    "alarm_too_many_chosen": lambda **facts: gettext(
        "At most %(most)s alarms can be chosen at once.", most=facts.get("most", 200)
    ),
    "alarm_verdict_unknown": lambda **_: gettext("Choose one of the judgements offered."),
    "note_required": lambda **_: gettext("Please write a note."),
    "note_too_long": lambda **facts: gettext(
        "The note is too long; at most %(most)s characters.", most=facts.get("most", 500)
    ),
}
