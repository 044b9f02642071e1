"""What other features call of accounts: logging in, people, enterprises and keys."""

from __future__ import annotations

from portal.accounts.keys import (
    NewKey,
    Sm2Key,
    create_enterprise,
    make_key,
    open_key,
    register_sm2_key,
    revoke_key,
    rotate_key,
)
from portal.accounts.people import (
    change_password,
    change_rights,
    create_user,
    disable_user,
    enable_user,
    reset_password,
    rights_mac,
)
from portal.accounts.rights import Rights
from portal.accounts.sessions import (
    LoginOutcome,
    Person,
    actor_for,
    actor_of_token,
    end_other_sessions,
    end_session,
    log_in,
    log_out,
    person_of_token,
)

__all__ = [
    "LoginOutcome",
    "NewKey",
    "Person",
    "Rights",
    "Sm2Key",
    "actor_for",
    "actor_of_token",
    "change_password",
    "change_rights",
    "create_enterprise",
    "create_user",
    "disable_user",
    "enable_user",
    "end_other_sessions",
    "end_session",
    "log_in",
    "log_out",
    "make_key",
    "open_key",
    "person_of_token",
    "register_sm2_key",
    "reset_password",
    "revoke_key",
    "rights_mac",
    "rotate_key",
]
