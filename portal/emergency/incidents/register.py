"""How incidents, repairs and stops of supply are listed and shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_

from portal.emergency.incidents.models import Incident
from portal.emergency.incidents.rules import ENDED_FROM, PLANNED_STOP, UNPLANNED_STOP
from portal.registers.spec import Register, View

REGISTER = Register(
    key="incident",
    path="/incidents",
    model=Incident,
    title=_("Incidents and stops of supply"),
    hint=_("Incidents, emergency repairs, and stops of supply planned or not"),
    permission="emergency.read",
    order="occurred_at",
    columns=(
        "record_no", "sort", "kind", "grade", "status", "description", "households_n", "casualties_n", "adcode",
        "enterprise_id", "occurred_at", "late",
    ),
    filters=("sort", "kind", "grade", "cause", "status"),
    views=(
        View("open", _("Not ended"), lambda model, now: and_(model.status < ENDED_FROM, model.sort != PLANNED_STOP), "warn"),
        View("graded", _("Grade IV or worse"), lambda model, now: model.grade <= 4, "bad"),
        View(
            "planned",
            _("Planned stops ahead"),
            lambda model, now: and_(model.sort == PLANNED_STOP, model.occurred_at > now),
        ),
        View(
            "stopped",
            _("Without gas now"),
            lambda model, now: and_(
                model.sort.in_((PLANNED_STOP, UNPLANNED_STOP)),
                model.occurred_at <= now,
                or_(model.restored_at.is_(None), model.restored_at > now),
                model.status < ENDED_FROM,
            ),
            "warn",
        ),
        View("late", _("Filed late"), lambda model, now: model.late.is_(True), "warn"),
    ),
    search=("record_no", "description", "place", "object_code"),
    tones={
        "sort": {1: "bad", 2: "warn", 3: "info", 4: "warn"},
        "grade": {1: "bad", 2: "bad", 3: "warn", 4: "warn", 5: ""},
        "status": {0: "warn", 3: "warn", 4: "warn", 5: "info", 6: "info", 7: "ok", 8: "ok", 9: "ok"},
        "late": {True: "warn"},
    },
    icon="siren",
    tab=_("Incidents"),
)  # fmt: skip
