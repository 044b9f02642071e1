"""Sentences of the error codes of data quality."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "quality_rule": lambda **_: gettext("There is no such rule."),
    "quality_finding": lambda **_: gettext("There is no such finding."),
    "quality_proposal_waits": lambda **_: gettext("Another version of this rule waits for its decision."),
    "quality_decided": lambda **_: gettext("This version was decided already."),
    "quality_four_eyes": lambda **_: gettext("A second person decides, not the one who asked."),
    "quality_reason": lambda **_: gettext("Give the reason in 4 to 500 characters."),
    "quality_weight": lambda **_: gettext("The weight must be 0 to 10 and the level 2 to 4."),
    "quality_parameters": lambda **_: gettext("A figure of the rule cannot be read or is out of bounds."),
    "quality_unchanged": lambda **_: gettext("Nothing was changed."),
    "quality_examples": lambda **_: gettext("With these figures the rule fails its own examples."),
    "quality_words": lambda **_: gettext("Say it in 2 to 2000 characters."),
    "quality_reply_not_yours": lambda **_: gettext("Only the enterprise concerned can reply."),
    "quality_closed": lambda **_: gettext("The finding has moved on; this step is not possible now."),
    "quality_waive_days": lambda **_: gettext("A waiver lasts 1 to 366 days."),
}
