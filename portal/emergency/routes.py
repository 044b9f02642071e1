"""The emergency pages: incidents and stops of supply, drills, plans, supplies and teams."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.core.web import requires
from portal.emergency.drills.register import DRILLS, PLANS, SUPPLIES, TEAMS
from portal.emergency.incidents.register import REGISTER as INCIDENTS
from portal.registers.pages import add_register

blueprint = Blueprint("emergency", __name__, url_prefix="/emergency")
REGISTERS = (INCIDENTS, DRILLS, PLANS, SUPPLIES, TEAMS)

for register in REGISTERS:
    add_register(blueprint, register, REGISTERS)


@blueprint.get("")
@requires("emergency.read")
def show_emergency() -> ResponseReturnValue:
    """Lead to the incidents."""
    return redirect(url_for(".incident_list"))
