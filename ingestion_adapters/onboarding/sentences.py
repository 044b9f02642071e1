"""Sentences of the error codes of onboarding, mappings and interface versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext


def _plain(text: Callable[[], str]) -> Callable[..., str]:
    return lambda **_: text()


def _mapping_wrong(problems: str = "", **_: Any) -> str:
    return gettext("The mapping cannot be used: %(problems)s", problems=problems)


SENTENCES: dict[str, Callable[..., str]] = {
    "onboarding": _plain(lambda: gettext("There is no such application")),
    "onboarding_document": _plain(lambda: gettext("There is no such document")),
    "onboarding_open": _plain(lambda: gettext("This enterprise has an application that is not finished")),
    "onboarding_incomplete": _plain(lambda: gettext("The application is incomplete")),
    "onboarding_licence": _plain(lambda: gettext("The licence has expired")),
    "onboarding_state": _plain(lambda: gettext("The application has moved on; this step no longer fits")),
    "onboarding_not_yours": _plain(lambda: gettext("This step is for somebody else to take")),
    "onboarding_four_eyes": _plain(lambda: gettext("Who applied or reviewed before may not review this step")),
    "onboarding_pdf_late": _plain(lambda: gettext("The PDF took too long to make; try again")),
    "onboarding_pdf_failed": _plain(lambda: gettext("The PDF could not be made")),
    "onboarding_reason": _plain(lambda: gettext("A reason is needed")),
    "onboarding_report": _plain(lambda: gettext("The test report does not pass yet")),
    "onboarding_key_given": _plain(
        lambda: gettext("The live key was given out; a new one is made by the administrator")
    ),
    "onboarding_file": _plain(lambda: gettext("Documents may be PDF, images or Office files of at most 10 MB each")),
    "mapping_wrong": _mapping_wrong,
    "mapping_message": _plain(lambda: gettext("The message cannot be read")),
    "interface": _plain(lambda: gettext("There is no such interface version")),
    "interface_notice_early": _plain(lambda: gettext("A retirement must be announced further ahead")),
    "interface_notice_words": _plain(lambda: gettext("Both the Chinese and the English text are needed")),
    "interface_not_retiring": _plain(lambda: gettext("This version is not being retired")),
}
