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
    "finding_incomplete": lambda **_: gettext(
        "Give source, what was checked, result, verdict, who found it and where."
    ),
    "finding_time_wrong": lambda **_: gettext("Give the time of the finding; it may not lie ahead."),
    "finding_number_wrong": lambda **_: gettext("A value must be a plain number, such as 2.35."),
    "finding_indicator_unknown": lambda **_: gettext("There is no such indicator."),
    "finding_counts_without_value": lambda **_: gettext(
        "Only a field value of an indicator can stand for that indicator in the score."
    ),
    "finding_percent_wrong": lambda **_: gettext("The value of this indicator lies between 0 and 100 %%."),
    "evidence_wrong": lambda **_: gettext("Evidence is a JPEG, PNG or PDF file of at most 8 MB."),
    "no_file_given": lambda **_: gettext("Choose a PDF file first."),
}
SENTENCES |= {
    "agreement": lambda **_: gettext("There is no such agreement."),
    "agreement_party": lambda **_: gettext("Only the city and the enterprise itself settle how it is evaluated."),
    "agreement_newer": lambda **_: gettext("A newer version was written down meanwhile: look at that one."),
    "agreement_confirmed": lambda **_: gettext("Your side has confirmed this version already."),
    "agreement_note": lambda **_: gettext("Say why it is so settled."),
    "agreement_grades": lambda **_: gettext("The grades fall from A to D and lie between 0 and 100."),
    "agreement_weights": lambda total="", **_: gettext(
        "The weights make up %(total)s %%; they have to make up exactly 100 %%.", total=total
    ),
    "agreement_number": lambda indicator="", **_: gettext(
        "A figure of %(indicator)s is not a number of the kind asked for; weights have two decimals.", indicator=indicator
    ),
    "agreement_target": lambda indicator="", **_: gettext(
        "Target and floor of %(indicator)s are the wrong way round or alike.", indicator=indicator
    ),
    "agreement_node": lambda indicator="", **_: gettext("Name where the figures of %(indicator)s are collected.", indicator=indicator),
}
SENTENCES["enterprise_not_chosen"] = lambda **_: gettext("Choose an enterprise first.")
