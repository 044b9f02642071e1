"""How patrols and leak surveys are listed and shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from portal.registers.spec import Register, View
from portal.safety.patrols.models import Patrol

COMPLETED, OVERDUE = 3, 4
REGISTER = Register(
    key="patrol",
    path="/patrols",
    model=Patrol,
    title=_("Patrols and leak surveys"),
    hint=_("Who walked which line when, how much of it, and what was found"),
    permission="safety.read",
    order="begun_at",
    columns=(
        "record_no", "kind", "status", "route", "inspector", "planned_km", "valid_km", "findings_n", "leaks_n", "adcode",
        "enterprise_id", "begun_at", "late",
    ),
    filters=("kind", "status", "method"),
    views=(
        View("done", _("Completed"), lambda model, now: model.status == COMPLETED, "ok"),
        View("overdue", _("Overdue"), lambda model, now: model.status == OVERDUE, "bad"),
        View("findings", _("With findings"), lambda model, now: model.findings_n > 0, "warn"),
        View("leaks", _("With leaks"), lambda model, now: model.leaks_n > 0, "bad"),
        View("short", _("Less than nine tenths covered"), lambda model, now: model.valid_km < 0.9 * model.planned_km, "warn"),
        View("late", _("Filed late"), lambda model, now: model.late.is_(True), "warn"),
    ),
    search=("record_no", "route", "team", "object_code"),
    tones={"status": {1: "", 2: "info", 3: "ok", 4: "bad"}, "late": {True: "warn"}},
    icon="route",
)  # fmt: skip
