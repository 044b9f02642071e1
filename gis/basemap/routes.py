"""The address of pictures of a public base map; it exists only where the installation has set one."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from gis.basemap.proxy import DEEPEST, LAYERS, NoPicture, Pictures, type_of
from gis.tiles.queries import tile_exists
from portal.core.errors import NotFound, Upstream
from portal.core.web import requires, settings

A_DAY_S = 86_400

blueprint = Blueprint("basemap", __name__)


def _pictures() -> Pictures:
    found = current_app.extensions.get("basemap_pictures")
    if not isinstance(found, Pictures):
        given = settings()
        if not given.basemap_url:
            raise NotFound("basemap_off")
        found = Pictures(given.basemap_url, given.data_dir / "basemap.sqlite")
        current_app.extensions["basemap_pictures"] = found
    return found


@blueprint.get("/basemap/<layer>/<int:z>/<int:x>/<int:y>")
@requires("map.read")
def get_picture(layer: str, z: int, x: int, y: int) -> Response:
    """Return one picture of the public base map."""
    pictures = _pictures()
    if layer not in LAYERS or not tile_exists(z, x, y, deepest=DEEPEST):
        raise NotFound("tile_place", z=z, x=x, y=y)
    try:
        body = pictures.picture(layer, z, x, y)
    except NoPicture as failed:
        raise Upstream("basemap_silent", reason=str(failed)) from failed
    answer = Response(body, content_type=type_of(body))
    answer.headers["Cache-Control"] = f"private, max-age={A_DAY_S}"
    return answer
