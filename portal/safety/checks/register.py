"""How household safety checks are listed and shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, func

from portal.registers.spec import Register, View
from portal.safety.checks.models import HouseholdCheck

DANGERS_FOUND, NOBODY_IN, REFUSED = 2, 3, 4
REGISTER = Register(
    key="household_check",
    path="/checks",
    model=HouseholdCheck,
    title=_("Household checks"),
    hint=_("Safety checks in users' rooms: result, dangers found and notice given"),
    permission="safety.read",
    order="checked_at",
    columns=(
        "record_no", "user_no", "result", "hazards_n", "fixed_n", "hazards", "notice_given", "inspector", "adcode",
        "enterprise_id", "checked_at", "late",
    ),
    filters=("result",),
    views=(
        View("dangers", _("Dangers found"), lambda model, now: model.result == DANGERS_FOUND, "warn"),
        View(
            "unfixed",
            _("Not fixed on the spot"),
            lambda model, now: and_(model.result == DANGERS_FOUND, func.coalesce(model.fixed_n, 0) < model.hazards_n),
            "bad",
        ),
        View("absent", _("Nobody in"), lambda model, now: model.result == NOBODY_IN),
        View("refused", _("Check refused"), lambda model, now: model.result == REFUSED, "warn"),
        View("late", _("Filed late"), lambda model, now: model.late.is_(True), "warn"),
    ),
    search=("record_no", "user_no"),
    tones={"result": {1: "ok", 2: "warn", 3: "", 4: "bad"}, "late": {True: "warn"}},
    icon="house",
)  # fmt: skip
