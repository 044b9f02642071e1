"""Forms of accounts: login, password, people, enterprises."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import EqualTo, InputRequired, Length, Optional

from portal.accounts.rights import Rights
from portal.accounts.rules import LONGEST_OVERLAP, OVERLAP
from portal.core.clock import CITY_ZONE
from portal.core.errors import Invalid

NAME_CHARS = 60
ENTERPRISE_CHARS = 200


def without_nul(text: str | None) -> str | None:
    """Return a text without the one sign the database cannot hold."""
    return text.replace("\x00", "") if text else text


class LoginForm(FlaskForm):
    """Login name and password, and where to go afterwards."""

    login = StringField(
        lazy_gettext("Login name"),
        [InputRequired(), Length(max=64)],
        filters=[without_nul],
        render_kw={
            "autocomplete": "username",
            "autofocus": True,
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(), Length(max=256)],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()


class PasswordForm(FlaskForm):
    """The present password and the new one twice."""

    old = PasswordField(
        lazy_gettext("Present password"),
        [InputRequired(), Length(max=256)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(), Length(max=256)],
        description=lazy_gettext(
            "At least 10 signs, three of: lower case, upper case, digits, other signs; not your name, "
            "not a common word, not one of the last five."
        ),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        lazy_gettext("New password again"),
        [InputRequired(), EqualTo("new", lazy_gettext("The two new passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )


class RightsForm(FlaskForm):
    """A role and what it reaches."""

    role = SelectField(lazy_gettext("Role"), coerce=int)
    enterprise_id = SelectField(
        lazy_gettext("Enterprise"),
        coerce=int,
        description=lazy_gettext("For people of an enterprise"),
    )
    adcodes = SelectMultipleField(
        lazy_gettext("Districts"),
        validators=[Optional()],
        description=lazy_gettext("For district regulators"),
    )
    granted = SelectMultipleField(
        lazy_gettext("Invited to"),
        validators=[Optional()],
        coerce=int,
        description=lazy_gettext("For experts and evaluators"),
    )
    granted_until = DateField(
        lazy_gettext("Invited until"), [Optional()], description=lazy_gettext("Last day, included")
    )

    def rights(self) -> Rights:
        """Return the rights the form asks for."""
        return Rights(
            role=self.role.data,
            enterprise_id=self.enterprise_id.data or None,
            adcodes=list(self.adcodes.data or []),
            granted_enterprise_ids=list(self.granted.data or []),
            granted_until=end_of_day(self.granted_until.data),
        )


class UserForm(RightsForm):
    """A new account."""

    login = StringField(lazy_gettext("Login name"), [InputRequired(), Length(max=32)], filters=[without_nul])
    display_name = StringField(
        lazy_gettext("Full name"), [InputRequired(), Length(max=NAME_CHARS)], filters=[without_nul]
    )


class EnterpriseForm(FlaskForm):
    """A new enterprise."""

    uscc = StringField(
        lazy_gettext("Unified social credit code"),
        [InputRequired(), Length(max=18)],
        filters=[without_nul],
    )
    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=ENTERPRISE_CHARS)], filters=[without_nul])
    short_name = StringField(
        lazy_gettext("Short name"), [InputRequired(), Length(max=NAME_CHARS)], filters=[without_nul]
    )
    kind = SelectField(lazy_gettext("Kind"), coerce=int)


def key_overlap(given: str | None, now: datetime) -> timedelta:
    """Return how long an old key stays valid: until the end of a day given as 2026-12-31, seven days when empty."""
    if not given:
        return OVERLAP
    try:
        day = date.fromisoformat(given)
    except ValueError as wrong:
        raise Invalid("key_overlap_wrong", days=LONGEST_OVERLAP.days) from wrong
    return datetime.combine(day, time.max, CITY_ZONE) - now


def end_of_day(day: date | None) -> datetime | None:
    """Return the last instant of a day in the city, or None."""
    return datetime.combine(day, time.max, CITY_ZONE) if day else None
