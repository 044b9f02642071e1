"""The tile addresses: compressed, cached by scope and version, answered with 304 where nothing changed."""

from __future__ import annotations

import gzip
from hashlib import sha256

from flask import Blueprint, Response, current_app, request

from gis.asof import Moment, moment_asked
from gis.tiles.cache import TileCache
from gis.tiles.layer import (
    BASE_LAYERS,
    MAX_ZOOM,
    NETWORK_LAYERS,
    LayerTable,
    UnknownLayer,
    VectorLayer,
)
from gis.tiles.queries import tile_bytes, tile_exists
from gis.tiles.themes import with_columns
from gis.tiles.versions import Versions
from portal.core.clock import utc_now
from portal.core.errors import NotFound
from portal.core.web import current_actor, opened, requires

MVT_TYPE = "application/vnd.mapbox-vector-tile"
# Raise when the content of a tile changes with the same data.
SHAPE = 2
GZIP_LEVEL = 1

blueprint = Blueprint("tiles", __name__)
_cache = TileCache()
_versions = Versions()


def layer_table() -> LayerTable:
    """Return the layers of this application: ours and those of the features (config MAP_LAYERS, MAP_THEME_COLUMNS)."""
    table = current_app.extensions.get("map_layers")
    if not isinstance(table, LayerTable):
        config = current_app.config
        coloured = config.get("MAP_THEME_COLUMNS", [])
        network = [with_columns(layer, coloured) if layer.name == "pipe" else layer for layer in NETWORK_LAYERS]
        table = LayerTable([*BASE_LAYERS, *network, *config.get("MAP_LAYERS", [])])
        current_app.extensions["map_layers"] = table
    return table


def forget_tiles() -> None:
    """Empty this process's tile cache, as a restart does."""
    _cache.clear()


def etag_of(layer: VectorLayer, version: str, z: int, x: int, y: int, at: str = "") -> str:
    """Return the strong tag of a tile: the same layer, data, scope, place and past instant give the same bytes."""
    scope = current_actor().scope.as_text() if layer.scoped else "-"
    named = f"{SHAPE}|{layer.name}|{version}|{z}/{x}/{y}|{scope}|{at}"
    return sha256(named.encode()).hexdigest()[:24]


@blueprint.get("/tiles/<layer>/<int:z>/<int:x>/<int:y>.mvt")
@requires("map.read")
def get_tile(layer: str, z: int, x: int, y: int) -> Response:
    """Return one vector tile within the caller's scope; `at` is a past day, as it was known at its close."""
    now = utc_now()
    moment = moment_asked(request.args.get("at"), now)
    declared = _declared(layer, moment)
    if not tile_exists(z, x, y, deepest=MAX_ZOOM):
        raise NotFound("tile_place", z=z, x=x, y=y)
    scope = current_actor().scope
    at = moment.at.isoformat() if moment and declared.changes != "base" else ""
    settled = bool(at and moment and moment.settled(now))
    version = "past" if settled else _versions.fresh(declared.changes, scope)
    tag = etag_of(declared, version, z, x, y, at) if version is not None else ""
    packed = _cache.get(tag) if tag else None
    if tag and request.if_none_match.contains(tag):
        return _answer(Response(status=304), tag)
    if packed is None:
        with opened() as session:
            version = version or _versions.ask(session, declared.changes, scope)
            tag = etag_of(declared, version, z, x, y, at)
            if request.if_none_match.contains(tag):
                return _answer(Response(status=304), tag)
            packed = _cache.get(tag)
            if packed is None:
                raw = tile_bytes(session, declared, scope, (z, x, y), moment.at if moment else None)
                packed = gzip.compress(raw, GZIP_LEVEL, mtime=0) if raw else b""
                _cache.put(tag, packed)
    if not packed:
        return _answer(Response(status=204), tag)
    return _answer(_body(packed), tag)


def _declared(layer: str, moment: Moment | None) -> VectorLayer:
    try:
        declared = layer_table().named(layer)
    except UnknownLayer as unknown:
        raise NotFound("tile_layer", layer=layer) from unknown
    if moment is None:
        return declared
    past = declared.at_a_past_day()
    if past is None:
        raise NotFound("tile_past", layer=layer)
    return past


def _body(packed: bytes) -> Response:
    if request.accept_encodings.quality("gzip") > 0:
        answer = Response(packed, content_type=MVT_TYPE)
        answer.headers["Content-Encoding"] = "gzip"
    else:
        answer = Response(gzip.decompress(packed), content_type=MVT_TYPE)
    answer.headers["Vary"] = "Accept-Encoding, Cookie"
    return answer


def _answer(answer: Response, tag: str) -> Response:
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
