"""Sentences of the error codes of the desk."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "alarm_hold": lambda **_: gettext("There is no such hold."),
    "alarm_attachment": lambda **_: gettext("There is no such attachment."),
    "alarm_view": lambda **_: gettext("You keep no such view."),
    "alarm_closed": lambda **_: gettext("This alarm is closed; nothing more can be done with it."),
    "alarm_not_latched": lambda **_: gettext("This alarm is not latched."),
    "alarm_still_active": lambda **_: gettext("The value is not back to normal yet."),
    "alarm_not_acknowledged": lambda **_: gettext("Acknowledge the alarm first."),
    "alarm_latched": lambda **_: gettext("Reset the latched alarm first."),
    "alarm_held": lambda **_: gettext("End the hold of this alarm first."),
    "alarm_held_already": lambda **_: gettext("This alarm is held back already."),
    "alarm_not_held": lambda **_: gettext("This alarm is not held back."),
    "alarm_not_judged": lambda **_: gettext("Judge the alarm first: true, false, drill or test."),
    "alarm_not_recorded": lambda **_: gettext("Write a handling record first; no alarm is closed without one."),
    "hold_kind": lambda **_: gettext("Choose how the alarm is held back."),
    "hold_hours": lambda **facts: gettext(
        "The time must be more than 0 and at most %(most)s hours.", most=facts.get("most", "")
    ),
    "hold_permit_needed": lambda **_: gettext("Maintenance needs the number of the work permit."),
    "hold_ended": lambda **_: gettext("This hold has ended already."),
    "record_part_missing": lambda **facts: _part_missing(str(facts.get("part", ""))),
    "record_too_long": lambda **facts: gettext(
        "At most %(most)s characters fit into one part of the record.", most=facts.get("most", 2000)
    ),
    "attachment_kind": lambda **_: gettext("Only PDF, JPEG and PNG files can be attached."),
    "attachment_size": lambda **facts: gettext("A file may have %(most)s MB at most.", most=facts.get("most", 10)),
    "view_name_missing": lambda **_: gettext("Give the view a name."),
    "view_too_many": lambda **facts: gettext("At most %(most)s views can be kept.", most=facts.get("most", 20)),
}


def _part_missing(part: str) -> str:
    parts = {
        "receiver": gettext("Received by"),
        "cause": gettext("Cause"),
        "measures": gettext("Measures"),
        "result": gettext("Result"),
    }
    return str(gettext("The handling record lacks: %(part)s", part=parts.get(part, part)))
