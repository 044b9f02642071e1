"""How works of third parties are listed and shown, with the people and machines at work."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_
from sqlalchemy.orm import Session

from portal.core.clock import local
from portal.registers.spec import Register, View
from portal.registers.words import Speech
from portal.safety.works.models import WorksOperation, WorksSite
from portal.safety.works.queries import operations_of
from portal.safety.works.rules import ENDED

_SHOWN = ("record_no", "kind", "who", "machine", "work", "begun_at", "ended_at")
REGISTER = Register(
    key="works_site",
    path="/works",
    model=WorksSite,
    title=_("Third-party works"),
    hint=_("Sites near the network: plan, briefing, guarding and completion"),
    permission="safety.read",
    order="found_at",
    columns=(
        "record_no", "project", "method", "status", "distance_m", "plan_signed", "guarded", "adcode", "enterprise_id",
        "begins_on", "ends_on", "late",
    ),
    filters=("status", "method"),
    views=(
        View("open", _("In progress"), lambda model, now: model.status.not_in(ENDED)),
        View(
            "unplanned",
            _("Without a protection plan"),
            lambda model, now: and_(
                model.status.not_in(ENDED), or_(model.plan_signed.is_(None), model.plan_signed.is_(False))
            ),
            "bad",
        ),
        View(
            "unguarded",
            _("Not guarded"),
            lambda model, now: and_(model.status.not_in(ENDED), or_(model.guarded.is_(None), model.guarded.is_(False))),
            "warn",
        ),
        View(
            "overrun",
            _("Past the planned end"),
            lambda model, now: and_(model.status.not_in(ENDED), model.ends_on < local(now).date()),
            "warn",
        ),
        View("late", _("Filed late"), lambda model, now: model.late.is_(True), "warn"),
    ),
    search=("record_no", "project", "builder", "place", "object_code"),
    tones={
        "status": {1: "warn", 2: "warn", 5: "info", 6: "ok", 7: "ok"},
        "plan_signed": {True: "ok", False: "bad"},
        "guarded": {True: "ok", False: "warn"},
        "late": {True: "warn"},
    },
    icon="truck",
)  # fmt: skip


def operations_shown(session: Session, record: Any, speech: Speech) -> dict[str, Any]:
    """Return the people and machines at work on a site as a table."""
    columns = [WorksOperation.__table__.columns[name] for name in _SHOWN]
    rows = operations_of(session, record.enterprise_id, record.record_no)
    return {
        "title": gettext("People and machines at work"),
        "columns": [speech.label(column) for column in columns],
        "rows": [[speech.value(column, getattr(row, column.name)) for column in columns] for row in rows],
    }
