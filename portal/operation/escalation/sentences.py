"""Sentences of the error codes of duty and notices."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "duty_shift": lambda **_: gettext("There is no such shift."),
    "duty_note": lambda **_: gettext("There is no such hand-over note."),
    "duty_person": lambda **_: gettext("Choose somebody who can be on duty."),
    "duty_post": lambda **_: gettext("Choose a post."),
    "duty_span": lambda **facts: gettext("A shift lasts more than 0 and at most %(most)s hours.", most=facts.get("most", 24)),
    "duty_overlap": lambda **_: gettext("This person is on duty at that time already."),
    "duty_over": lambda **_: gettext("A shift that is over stays in the roster."),
    "duty_taken": lambda **facts: gettext("This note was taken over already, by %(by)s.", by=facts.get("by", "")),
    "duty_own_note": lambda **_: gettext("Somebody else must take over one's own note."),
    "contact_channel": lambda **_: gettext("Choose mail or webhook."),
    "contact_mail": lambda **_: gettext("This is no mail address."),
    "contact_webhook": lambda **_: gettext("A webhook needs an http address on the intranet and a key."),
    "contact_key": lambda **facts: gettext(
        "The key has %(least)s to %(most)s characters.", least=facts.get("least", 16), most=facts.get("most", 200)
    ),
    "escalation_step": lambda **_: gettext("There is no such step."),
    "step_values": lambda **facts: gettext(
        "A step needs 0 to %(most)s minutes, a post and at least one channel.", most=facts.get("most", 1440)
    ),
    "notice": lambda **_: gettext("There is no such notice."),
    "notice_not_failed": lambda **_: gettext("Only a notice that was not sent can be tried again."),
}
