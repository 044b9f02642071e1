"""The wall of videos, and the cameras of a station: entering one, taking it down."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.core.paging import parse_number
from portal.core.web import current_actor, requires, settings, web_transaction
from portal.operation.stations.forms import TILES, parse_camera, parse_page, parse_tiles
from portal.operation.stations.queries import cameras_listed
from portal.operation.stations.services import add_camera, use_camera

blueprint = Blueprint("station_cameras", __name__, url_prefix="/operation")


@blueprint.get("/video")
@requires("alarm.read")
@web_transaction
def show_wall(session: Session) -> ResponseReturnValue:
    """Show cameras as tiles, 1, 4, 9 or 16 at once; `station` narrows, `page` goes on."""
    # Only here may a page play what another host of the intranet sends.
    g.media_hosts = sorted(settings().video_origins())
    station_id, tiles, page = parse_number(request.args.get("station")), parse_tiles(request.args), parse_page(request.args)
    rows = cameras_listed(session, current_actor().scope, station_id=station_id)
    stations: dict[int, str] = {}
    for row in cameras_listed(session, current_actor().scope):
        stations.setdefault(row.StationCamera.station_id, row.station or "")
    pages = max(1, -(-len(rows) // tiles))
    page = min(page, pages - 1)
    return render_template(
        "stations/video.html",
        cameras=rows[page * tiles : (page + 1) * tiles],
        count=len(rows),
        stations=stations,
        station_id=station_id,
        tiles=tiles,
        choices=TILES,
        page=page,
        pages=pages,
    )


@blueprint.post("/stations/<int:station_id>/cameras")
@requires("station.configure")
@web_transaction
def enter_camera(session: Session, station_id: int) -> ResponseReturnValue:
    """Enter a camera; form fields code, name, place, kind, address, ordinal."""
    add_camera(session, station_id, parse_camera(request.form, settings().video_origins()), actor=current_actor())
    flash(gettext("The camera is on the wall."), "success")
    return redirect(url_for("stations.show_station", station_id=station_id) + "#cameras")


@blueprint.post("/cameras/<int:camera_id>/use")
@requires("station.configure")
@web_transaction
def change_use(session: Session, camera_id: int) -> ResponseReturnValue:
    """Take a camera down or put it back; form field in_use."""
    camera = use_camera(session, camera_id, request.form.get("in_use") == "1", actor=current_actor())
    flash(gettext("The camera is on the wall.") if camera.in_use else gettext("The camera is taken down."), "success")
    return redirect(url_for("stations.show_station", station_id=camera.station_id) + "#cameras")
