"""What is said when accounts, keys or figures refuse something."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "login_needed": lambda **_: gettext("Your session has ended. Log in again."),
    "login_failed": lambda **_: gettext("Login name or password is not right."),
    "login_locked": lambda **_: gettext("Too many failed attempts. Try again in 15 minutes."),
    "login_shape": lambda **_: gettext("A login name has 2 to 32 signs: a-z, 0-9, dot, hyphen, underscore."),
    "login_taken": lambda **_: gettext("This login name exists already."),
    "own_account": lambda **_: gettext("Nobody may change the rights or state of his own account."),
    "user_disabled": lambda **_: gettext("This account is closed already."),
    "user_enabled": lambda **_: gettext("This account is open already."),
    "not_allowed": lambda **_: gettext("Your role does not cover this. The attempt was recorded."),
    "role_unknown": lambda **_: gettext("Choose a role."),
    "enterprise_needed": lambda **_: gettext("This role needs an enterprise."),
    "enterprise_not_wanted": lambda **_: gettext("Only people of an enterprise belong to one."),
    "district_needed": lambda **_: gettext("This role needs at least one district."),
    "district_not_wanted": lambda **_: gettext("Only district regulators have districts."),
    "grant_not_wanted": lambda **_: gettext("Only experts and evaluators are invited to enterprises."),
    "uscc_wrong": lambda **_: gettext("The unified social credit code has 18 signs; its last one checks the others."),
    "enterprise_incomplete": lambda **_: gettext("Name, short name and kind are needed."),
    "enterprise_known": lambda **_: gettext("An enterprise with this credit code or short name exists already."),
    "key_two_valid": lambda **_: gettext("Two keys are valid already. Revoke one, or rotate."),
    "key_overlap_wrong": lambda days=90, **_: gettext("An old key may stay valid for up to %(days)s days.", days=days),
    "sm2_key_wrong": lambda **_: gettext(
        "This is no SM2 public key. Give the PEM text of the public key, or 04 and the two coordinates in hex."
    ),
    "sm2_key_private": lambda **_: gettext(
        "This is a private key. It was not kept; regard it as lost, make a new pair and give only the public key."
    ),
    "sm2_key_known": lambda **_: gettext("This public key was registered before. Every rotation needs a new pair."),
    "sm2_not_offered": lambda **_: gettext("This machine's OpenSSL offers no SM2."),
    "key_revoked": lambda **_: gettext("This key is cut off already."),
    "password_due": lambda **_: gettext("Change your password first."),
    "password_wrong": lambda **_: gettext("The present password is not right."),
    "password_used": lambda **_: gettext("This was one of your last five passwords."),
    "password_short": lambda **_: gettext("A password has at least 10 signs."),
    "password_long": lambda **_: gettext("A password has at most 128 signs."),
    "password_classes": lambda **_: gettext("Use at least three of: lower case, upper case, digits, other signs."),
    "password_name": lambda **_: gettext("The password may not contain your login name or your name."),
    "password_common": lambda **_: gettext(
        "This password is easy to guess: common words and number rows do not count."
    ),
    "parameter_value": lambda **_: gettext("The figure must be zero or more."),
    "reason_needed": lambda **_: gettext("Give the reason of the change in a few words."),
}
