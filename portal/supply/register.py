"""How the figures of months are listed and shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from portal.registers.spec import Register, View
from portal.supply.models import MonthlyReport

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
