"""Sentences of the error codes of cases."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "case": lambda **_: gettext("There is no such case."),
    "case_state": lambda **_: gettext("The case has moved on; this step is not possible now."),
    "case_reply_not_yours": lambda **_: gettext("Only the enterprise concerned can reply."),
    "case_without_reply": lambda **_: gettext("A case without a reply cannot be closed."),
    "case_extended_already": lambda **_: gettext("This case was extended already."),
    "case_extension_too_long": lambda **facts: gettext(
        "The extension must be over 0 and at most %(most)s hours.", most=facts.get("most", "")
    ),
    "case_class_unknown": lambda **_: gettext("Choose the type of the case."),
    "case_level_unknown": lambda **_: gettext("Choose the level of the case."),
    "case_object_unknown": lambda **facts: gettext(
        "The enterprise has no object %(named)s within your area.", named=facts.get("named", "")
    ),
    "case_district_needed": lambda **_: gettext("Name an object or a district of your area."),
    "case_hours_unreadable": lambda **_: gettext("Give the extension in hours."),
}
