"""The safety pages: hidden dangers, works of third parties, patrols and household checks."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.core.web import requires
from portal.registers.pages import add_register
from portal.safety.checks import register as checks
from portal.safety.hidden_dangers import register as hidden_dangers
from portal.safety.patrols import register as patrols
from portal.safety.works import register as works

blueprint = Blueprint("safety", __name__, url_prefix="/safety")
REGISTERS = (hidden_dangers.REGISTER, works.REGISTER, patrols.REGISTER, checks.REGISTER)

add_register(blueprint, hidden_dangers.REGISTER, REGISTERS)
add_register(blueprint, works.REGISTER, REGISTERS, works.operations_shown)
add_register(blueprint, patrols.REGISTER, REGISTERS)
add_register(blueprint, checks.REGISTER, REGISTERS)


@blueprint.get("")
@requires("safety.read")
def show_safety() -> ResponseReturnValue:
    """Lead to the hidden dangers that are open."""
    return redirect(url_for(".hidden_danger_list", view="open"))
