"""The supply pages: what enterprises report of a month."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.core.web import requires
from portal.registers.pages import add_register
from portal.supply.register import MONTHS, derived_figures

blueprint = Blueprint("supply", __name__, url_prefix="/supply")
add_register(blueprint, MONTHS, (MONTHS,), derived_figures)


@blueprint.get("")
@requires("supply.read")
def show_supply() -> ResponseReturnValue:
    """Lead to the monthly figures."""
    return redirect(url_for(".monthly_report_list"))
