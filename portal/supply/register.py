"""How the figures of months are listed and shown."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from portal.registers.spec import Register, View
from portal.registers.words import Speech
from portal.supply.models import MonthlyReport
from portal.supply.rules import share_pct, unaccounted_pct

MONTHS = Register(
    key="monthly_report",
    path="/monthly",
    model=MonthlyReport,
    title=_("Monthly figures"),
    hint=_("What each enterprise reports of a month, due by the fifth of the next"),
    permission="supply.read",
    order="month",
    columns=(
        "record_no", "enterprise_id", "purchased_m3", "sold_m3", "own_use_m3", "users_checked_n", "dangers_on_time_n",
        "patrol_done_km", "leaks_n", "outage_user_h", "late",
    ),
    views=(View("late", _("Filed late"), lambda model, now: model.late.is_(True), "warn"),),
    tones={"late": {True: "warn"}},
    icon="calendar",
    served=True,
)  # fmt: skip


def derived_figures(session: Session, record: Any, speech: Speech) -> dict[str, Any]:
    """Return what follows from a month's figures as a table; what cannot be worked out is left out."""
    lost = unaccounted_pct(record.purchased_m3, record.sold_m3, record.own_use_m3 or 0.0, record.linepack_change_m3 or 0.0)
    shares = (
        (gettext("Unaccounted-for gas"), lost),
        (gettext("Household checks done"), share_pct(record.users_checked_n, record.users_to_check_n)),
        (gettext("Hidden dangers rectified on time"), share_pct(record.dangers_on_time_n, record.dangers_due_n)),
        (gettext("Major dangers rectified"), share_pct(record.major_done_n, record.major_due_n)),
        (gettext("Patrol done"), share_pct(record.patrol_done_km, record.patrol_plan_km)),
        (gettext("Leak survey done"), share_pct(record.survey_done_km, record.survey_plan_km)),
        (gettext("Leaks repaired on time"), share_pct(record.leaks_on_time_n, record.leaks_n)),
        (gettext("Detectors working"), share_pct(record.detectors_working_n, record.detectors_due_n)),
        (gettext("Arrived in time"), share_pct(record.calls_on_time_n, record.calls_n)),
        (gettext("Complaints closed on time"), share_pct(record.complaints_on_time_n, record.complaints_n)),
    )
    return {
        "title": gettext("Worked out from these figures"),
        "columns": [gettext("Indicator"), "%"],
        "rows": [[name, f"{value:.2f}"] for name, value in shares if value is not None],
    }
