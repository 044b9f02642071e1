"""A page with a part of the map that opens anywhere and asks nobody: folium with everything inside, and the mark."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import folium
import shapely
from branca.element import MacroElement
from jinja2 import Template

from gis.handouts.content import SYSTEM_WORDS, Handout, Sheet
from gis.maps import ReadAsset, overview_html

_WORDS = Template(
    "{% macro html(this, kwargs) %}"
    '<header class="about"><b>{{ this.title | e }}</b><span>{{ this.system | e }}</span>'
    "<ul>{% for colour, label in this.legend %}<li><svg width='20' height='6' aria-hidden='true'>"
    "<rect width='20' height='6' rx='3' fill='{{ colour | e }}'/></svg>{{ label | e }}</li>{% endfor %}</ul>"
    "<small>{{ this.mark | e }}</small></header>"
    '<div class="mark" aria-hidden="true">{% for _ in range(24) %}<span>{{ this.mark | e }}</span>{% endfor %}</div>'
    "{% endmacro %}"
    "{% macro header(this, kwargs) %}<style>"
    ".leaflet-container{background:#f2f4f7;font:13px/1.5 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    ".about{position:fixed;z-index:1000;left:12px;bottom:12px;max-width:min(340px,calc(100% - 48px));padding:10px 14px;"
    "background:#fff;border:1px solid #dae2ee;border-radius:8px;font:13px/1.5 'PingFang SC','Microsoft YaHei',"
    "'Noto Sans CJK SC',sans-serif;color:#101c2e}.about b,.about span,.about small{display:block}"
    ".about ul{list-style:none;margin:6px 0;padding:0;max-height:40vh;overflow:auto}.about li{display:flex;gap:8px;align-items:center}"
    ".about small,.about span{color:#5b6a80}"
    ".mark{position:fixed;inset:-20%;z-index:900;pointer-events:none;display:grid;grid-template-columns:repeat(4,1fr);"
    "align-items:center;justify-items:center;transform:rotate(-24deg);color:#101c2e;opacity:.13;"
    "font:14px 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    "@media print{.mark{opacity:.2}}"
    "</style>{% endmacro %}"
)


class About(MacroElement):
    """Title, legend and mark over a map."""

    def __init__(self, handout: Handout) -> None:
        """Take the words of a handout."""
        super().__init__()  # type: ignore[no-untyped-call]  # branca has no types
        self._name = "About"
        self._template = _WORDS
        self.title, self.mark, self.legend = handout.title, handout.mark, handout.legend
        self.system = SYSTEM_WORDS[handout.system]


def offline_page(handout: Handout, read_asset: ReadAsset) -> bytes:
    """Return the page; at most DRAWN_MOST objects can be drawn."""
    west, south, east, north = _bounds(handout.sheets)
    drawn = folium.Map(
        location=((south + north) / 2, (west + east) / 2), zoom_start=12, tiles=None, max_zoom=19,
        attribution_control=False, prefer_canvas=True,
    )  # fmt: skip
    drawn.fit_bounds([[south, west], [north, east]])
    for sheet in handout.sheets:
        if sheet.rows:
            _layer(sheet).add_to(drawn)
    folium.LayerControl(collapsed=False).add_to(drawn)
    drawn.get_root().add_child(About(handout))
    return overview_html(drawn, read_asset, handout.title).encode()


def _layer(sheet: Sheet) -> folium.GeoJson:
    words = {f"c{at}": label for at, label in enumerate(sheet.columns.values())}
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(shapely.set_precision(row.shape, 1e-6)),
            "properties": {"colour": row.colour or "#66768c"}
            # Leaflet writes a tooltip's values as markup.
            | {name: html.escape(_text(value)) for name, value in zip(words, row.values, strict=True)},
        }
        for row in sheet.rows
    ]
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": features}, name=html.escape(sheet.title),
        style_function=_style, marker=folium.CircleMarker(radius=4, weight=1, fill=True, fill_opacity=0.9),
        tooltip=folium.GeoJsonTooltip(list(words), aliases=[html.escape(each) for each in words.values()]),
    )  # fmt: skip


def _style(feature: dict[str, Any]) -> dict[str, Any]:
    colour = feature["properties"]["colour"]
    return {"color": colour, "fillColor": colour, "weight": 3}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bounds(sheets: Sequence[Sheet]) -> tuple[float, float, float, float]:
    boxes = [row.shape.bounds for sheet in sheets for row in sheet.rows]
    if not boxes:
        return (73.0, 18.0, 135.0, 54.0)
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return min(wests), min(souths), max(easts), max(norths)
