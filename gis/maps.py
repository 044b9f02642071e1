"""Maps built with folium that never leave the server: the MapLibre page map and a self-contained overview."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink, MacroElement
from jinja2 import Template

ReadAsset = Callable[[str], bytes]

# Every file folium may ask for, by the name it gives it. None: not needed by the elements used here.
# A name that is missing stops the page, so no element can ever bring in a foreign address.
ASSETS: dict[str, str | None] = {
    "maplibre_css": "vendor/maplibre/maplibre-gl.css",
    "map_css": "css/map.css",
    "leaflet": "vendor/leaflet/leaflet.js",
    "leaflet_css": "vendor/leaflet/leaflet.css",
    "jquery": None,
    "bootstrap": None,
    "bootstrap_css": None,
    "glyphicons_css": None,
    "awesome_markers": None,
    "awesome_markers_font_css": None,
    "awesome_markers_css": None,
    "awesome_rotate_css": None,
}
MAX_OVERVIEW_FEATURES = 20_000
OVERVIEW_CSP = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
)
_CSS_URL = re.compile(r"url\((?!['\"]?data:)['\"]?([^)'\"]+)['\"]?\)")
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)


class ForeignAsset(LookupError):
    """An element of a map wants a file of which there is no local copy; the message names it."""


@dataclass(frozen=True)
class MapParts:
    """A rendered map in pieces, for a page that sets its own nonce and addresses."""

    css: list[str]
    js: list[str]
    style: str
    body: str
    script: str


class GLLayer(MacroElement):
    """One row of the layer tree of a GLMap."""

    def __init__(self, name: str, label: str, group: str, **facts: Any) -> None:
        """Name the vector tile layer, its words and its group; facts: visible, minzoom, list, count."""
        super().__init__()  # type: ignore[no-untyped-call]  # branca has no types
        self._name = "GLLayer"
        self._template = Template("")
        self.facts = {"name": name, "label": label, "group": group} | facts


class GLMap(folium.Map):
    """A folium map drawn by MapLibre from our own vector tiles; takes only GLLayer children."""

    default_js: ClassVar[list[tuple[str, str]]] = []  # type: ignore[misc]  # folium reads it so
    default_css: ClassVar[list[tuple[str, str]]] = [  # type: ignore[misc]
        ("maplibre_css", ""), ("map_css", ""),
    ]  # fmt: skip
    _template = Template(
        "{% macro html(this, kwargs) %}"
        '<div id="{{ this.container }}" class="map"></div>'
        "{% endmacro %}"
        "{% macro script(this, kwargs) %}"
        'import { startMap } from "/static/js/map/onemap.mjs";\n'
        "startMap({{ this.start_options() }});"
        "{% endmacro %}"
    )

    def __init__(
        self, *, center: tuple[float, float], zoom: float, bounds: tuple[float, ...] | None = None,
        tiles_version: str = "", note: str = "", container: str = "map", **more: Any,
    ) -> None:
        """Place the map; center is longitude and latitude, bounds west, south, east, north; `more` goes to startMap."""
        super().__init__(location=(center[1], center[0]), zoom_start=int(zoom), tiles=None)
        self.container = container
        self.start: dict[str, Any] = {
            "container": container, "center": list(center), "zoom": zoom,
            "tilesVersion": tiles_version, "note": note,
        } | more
        if bounds is not None:
            self.start["bounds"] = list(bounds)

    def add_child(self, child: Element, name: str | None = None, index: int | None = None) -> Element:
        """Add a layer; raise TypeError for anything that only Leaflet can draw."""
        if not isinstance(child, GLLayer):
            raise TypeError(f"a GLMap takes GLLayer, not {type(child).__name__}")
        return super().add_child(child, name=name, index=index)

    def start_options(self) -> str:
        """Return what startMap is called with, as JSON that is safe inside a script element."""
        layers = [child.facts for child in self._children.values() if isinstance(child, GLLayer)]
        words = json.dumps(self.start | {"layers": layers}, ensure_ascii=False)
        return words.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

    def render(self, **kwargs: Any) -> str:
        """Put the map's pieces into its figure, without the switches only Leaflet knows; return nothing to show."""
        figure: Any = self.get_root()
        for name, url in self.default_css:
            figure.header.add_child(CssLink(url), name=name)
        MacroElement.render(self, **kwargs)  # type: ignore[no-untyped-call]
        return ""


class WallMap(GLMap):
    """A GLMap without tools, to be looked at on a wall; `theme` colours the pipes, `sources` names its tile layers."""

    _template = Template(
        "{% macro html(this, kwargs) %}"
        '<div id="{{ this.container }}" class="map"></div>'
        "{% endmacro %}"
        "{% macro script(this, kwargs) %}"
        'import { startWall } from "/static/js/map/wall.mjs";\n'
        "startWall({{ this.start_options() }});"
        "{% endmacro %}"
    )


def parts(drawn: folium.Map) -> MapParts:
    """Render a map into pieces with local assets; raise ForeignAsset for a link without a local copy."""
    root = drawn.get_root()
    if not isinstance(root, Figure):
        raise TypeError("the map is in no figure")
    for child in list(root._children.values()):
        child.render()
    css: list[str] = []
    js: list[str] = []
    styles: list[str] = []
    early: list[str] = []
    for name, child in root.header._children.items():
        if isinstance(child, JavascriptLink | CssLink):
            local = local_asset(name)
            if local:
                (js if isinstance(child, JavascriptLink) else css).append(local)
            continue
        written = child.render()
        styles += _STYLE.findall(written)
        early += _SCRIPT.findall(written)
    script = "\n".join([*early, root.script.render()])
    return MapParts(css, js, "\n".join(styles), root.html.render(), script)


def local_asset(name: str) -> str | None:
    """Return the local copy of a file folium names, None when it is not needed."""
    if name not in ASSETS:
        raise ForeignAsset(name)
    return ASSETS[name]


def overview_map(
    features: list[dict[str, Any]], *, colour_of: dict[str, str], box: tuple[float, float, float, float]
) -> folium.Map:
    """Return a Leaflet map of GeoJSON features, coloured by their property `kind`."""
    drawn = folium.Map(
        location=((box[1] + box[3]) / 2, (box[0] + box[2]) / 2), zoom_start=12, tiles=None,
        max_zoom=19, attribution_control=False, prefer_canvas=True,
    )
    drawn.fit_bounds([[box[1], box[0]], [box[3], box[2]]])
    for kind in dict.fromkeys(each["properties"]["kind"] for each in features[:MAX_OVERVIEW_FEATURES]):
        chosen = [each for each in features[:MAX_OVERVIEW_FEATURES] if each["properties"]["kind"] == kind]
        colour = colour_of.get(kind, "#66768c")
        folium.GeoJson(
            {"type": "FeatureCollection", "features": chosen}, name=kind,
            style_function=lambda _feature, colour=colour: {"color": colour, "weight": 2, "fillOpacity": 0.08},
            marker=folium.CircleMarker(radius=4, color=colour, fill=True, fill_opacity=0.9),
        ).add_to(drawn)
    return drawn


def overview_html(drawn: folium.Map, read_asset: ReadAsset, title: str) -> str:
    """Return a map as one HTML file that opens anywhere and asks for nothing."""
    made = parts(drawn)
    css = "\n".join(_inlined(read_asset(name).decode(), name, read_asset) for name in made.css)
    js = "\n".join(read_asset(name).decode() for name in made.js)
    script = made.script.replace("L_NO_TOUCH", "globalThis.L_NO_TOUCH", 1)
    page: str = _PAGE.render(
        title=title, csp=OVERVIEW_CSP, css=css + made.style, js=js.replace("</script", "<\\/script"),
        body=made.body, script=script,
    )
    return page


def _inlined(css: str, name: str, read_asset: ReadAsset) -> str:
    folder = name.rpartition("/")[0]

    def data_uri(found: re.Match[str]) -> str:
        file = found.group(1)
        if file.startswith("#"):
            return found.group(0)
        try:
            coded = base64.b64encode(read_asset(f"{folder}/{file}")).decode()
        except FileNotFoundError:
            # The picture of Leaflet's default marker, which no map here draws, is not kept.
            return "none"
        return f"url(data:image/png;base64,{coded})"

    return _CSS_URL.sub(data_uri, css)


_PAGE = Template(
    '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="{{ csp }}">'
    "<title>{{ title | e }}</title><style>html,body{height:100%;margin:0}{{ css }}</style></head>"
    "<body>{{ body }}<script>{{ js }}</script><script>{{ script }}</script></body></html>\n"
)
