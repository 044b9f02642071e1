"""Sentences of the reports' error codes."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "period_not_begun": lambda month="", **_: gettext("The month %(month)s has not begun yet.", month=month),
    "period_not_understood": lambda **_: gettext("Give the period as year and month, such as 2026-10."),
    "report_kind_unknown": lambda kind="", **_: gettext("There is no report of the kind %(kind)s.", kind=kind),
    "report_took_too_long": lambda **_: gettext("Making the PDF took too long. Nothing was archived; try again."),
    "report_not_rendered": lambda **_: gettext("The PDF could not be made. Nothing was archived; try again."),
    "report_gave_up": lambda **_: gettext(
        "Making this report was interrupted three times. Nothing was archived; order it again, and tell the operator."
    ),
    "no_file_given": lambda **_: gettext("Choose a PDF file first."),
}
SENTENCES["enterprise_not_chosen"] = lambda **_: gettext("Choose an enterprise first.")
