"""How drills, plans, supplies and teams are listed and shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from sqlalchemy import and_

from portal.core.clock import local
from portal.emergency.drills.models import Drill, EmergencyPlan, EmergencySupply, EmergencyTeam
from portal.registers.spec import Register, View

PLANNED, ASSESSED = 1, 3
AVAILABLE, ON_CALL = 1, 1
DRILLS = Register(
    key="drill",
    path="/drills",
    model=Drill,
    title=_("Drills"),
    hint=_("Drills planned, held and assessed, and what became of their lessons"),
    permission="emergency.read",
    order="planned_on",
    columns=(
        "record_no", "name", "kind", "status", "planned_on", "held_at", "participants_n", "score", "problems_n", "improved_n",
        "enterprise_id",
    ),
    filters=("kind", "status"),
    views=(
        View("planned", _("Drills planned"), lambda model, now: model.status == PLANNED),
        View(
            "missed",
            _("Not held on the day"),
            lambda model, now: and_(model.status == PLANNED, model.planned_on < local(now).date()),
            "bad",
        ),
        View("uncured", _("With problems not cured"), lambda model, now: model.improved_n < model.problems_n, "warn"),
        View("assessed", _("Assessed"), lambda model, now: model.status == ASSESSED, "ok"),
    ),
    search=("record_no", "name"),
    tones={"status": {1: "info", 2: "warn", 3: "ok", 4: ""}},
    icon="flag",
    served=True,
)  # fmt: skip
PLANS = Register(
    key="emergency_plan",
    path="/plans",
    model=EmergencyPlan,
    title=_("Emergency plans"),
    hint=_("Plans in force, their filing and their end"),
    permission="emergency.read",
    order="effective_on",
    columns=("record_no", "name", "kind", "level", "version", "effective_on", "expires_on", "filed", "filed_on", "enterprise_id"),
    filters=("kind", "level"),
    views=(
        View("unfiled", _("Not filed"), lambda model, now: model.filed.is_not(True), "warn"),
        View("expired", _("Expired"), lambda model, now: model.expires_on < local(now).date(), "bad"),
    ),
    search=("record_no", "name"),
    tones={"filed": {True: "ok", False: "warn"}},
    icon="file-text",
    served=True,
)
SUPPLIES = Register(
    key="emergency_supply",
    path="/supplies",
    model=EmergencySupply,
    title=_("Emergency supplies"),
    hint=_("What lies ready, where, and until when it is good"),
    permission="emergency.read",
    order="received_at",
    columns=(
        "record_no", "name", "kind", "quantity", "unit", "least_quantity", "status", "depot", "valid_until", "adcode",
        "enterprise_id",
    ),
    filters=("kind", "status"),
    views=(
        View("short", _("Below the least stock"), lambda model, now: model.quantity < model.least_quantity, "bad"),
        View("expired", _("Expired"), lambda model, now: model.valid_until < local(now).date(), "bad"),
        View("away", _("Not available"), lambda model, now: model.status != AVAILABLE, "warn"),
    ),
    search=("record_no", "name", "depot"),
    tones={"status": {1: "ok", 2: "info", 3: "warn", 4: "bad"}},
    icon="package",
    served=True,
)  # fmt: skip
TEAMS = Register(
    key="emergency_team",
    path="/teams",
    model=EmergencyTeam,
    title=_("Emergency teams"),
    hint=_("Teams, their strength and how fast they come"),
    permission="emergency.read",
    order="received_at",
    columns=(
        "record_no", "name", "kind", "level", "status", "headcount_n", "on_duty_n", "leader", "response_min", "adcode",
        "enterprise_id",
    ),
    filters=("kind", "status", "level"),
    views=(View("ready", _("On call"), lambda model, now: model.status == ON_CALL, "ok"),),
    search=("record_no", "name"),
    tones={"status": {1: "ok", 2: "info", 3: ""}},
    icon="users",
    served=True,
)  # fmt: skip
