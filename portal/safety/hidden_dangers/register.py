"""How hidden dangers are listed and shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from sqlalchemy import and_

from portal.core.clock import local
from portal.registers.spec import Register, View
from portal.safety.hidden_dangers.models import HiddenDanger
from portal.safety.hidden_dangers.rules import CLOSED_OUT, MAJOR

REGISTER = Register(
    key="hidden_danger",
    path="/hidden-dangers",
    model=HiddenDanger,
    title=_("Hidden dangers"),
    hint=_("What was found, who cures it until when, and what was closed out"),
    permission="safety.read",
    order="found_at",
    columns=(
        "record_no", "level", "status", "category", "description", "place", "adcode", "enterprise_id", "found_at",
        "deadline", "late",
    ),
    filters=("level", "status", "category", "source"),
    views=(
        View("open", _("Open"), lambda model, now: model.status != CLOSED_OUT),
        View("major", _("Major, open"), lambda model, now: and_(model.level == MAJOR, model.status != CLOSED_OUT), "bad"),
        View(
            "overdue",
            _("Overdue"),
            lambda model, now: and_(model.status != CLOSED_OUT, model.deadline < local(now).date()),
            "bad",
        ),
        View("late", _("Filed late"), lambda model, now: model.late.is_(True), "warn"),
        View("closed", _("Closed out"), lambda model, now: model.status == CLOSED_OUT, "ok"),
    ),
    search=("record_no", "description", "place", "object_code"),
    tones={
        "level": {1: "info", 2: "warn", 3: "bad"},
        "status": {1: "warn", 2: "warn", 5: "info", 7: "info", 8: "ok", 9: "bad"},
        "late": {True: "warn"},
    },
    icon="shield-alert",
)  # fmt: skip
