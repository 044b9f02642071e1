"""Tile arithmetic, the tile cache, layer declarations, folium maps and the rules of curves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import folium
import numpy as np
import pytest
from folium.plugins import HeatMap
from hypothesis import given
from hypothesis import strategies as st

from gis.maps import ForeignAsset, GLLayer, GLMap, overview_html, overview_map, parts
from gis.tiles.cache import ENTRY_BYTES, TileCache
from gis.tiles.layer import BASE_LAYERS, NETWORK_LAYERS, LayerTable, UnknownLayer, pipe_classes
from gis.tiles.queries import morton, morton_range, scope_sql, tile_bounds, tile_exists, tile_of
from portal.core.actor import CITY, NOTHING, Scope
from portal.operation.telemetry.rules import Figures, buckets_of, is_silent, window_of, with_gaps

STATIC = Path(__file__).parents[2] / "portal" / "static"
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
ZOOM = st.integers(0, 24)


@given(lon=st.floats(-179.9, 179.9), lat=st.floats(-84, 84), z=ZOOM)
def test_place_lies_in_its_tile_and_in_its_range(lon: float, lat: float, z: int) -> None:
    _, x, y = tile_of(lon, lat, z)
    box = tile_bounds(z, x, y)
    assert box["west"] <= lon <= box["east"] and box["south"] <= lat <= box["north"]
    low, high = morton_range(z, x, y)
    assert low <= morton(*tile_of(lon, lat, 24)[1:]) <= high


@given(z=st.integers(0, 20), data=st.data())
def test_ranges_of_the_four_children_make_up_the_parent(z: int, data: st.DataObject) -> None:
    x, y = (data.draw(st.integers(0, (1 << z) - 1)) for _ in range(2))
    low, high = morton_range(z, x, y)
    children = sorted(morton_range(z + 1, 2 * x + dx, 2 * y + dy) for dx in (0, 1) for dy in (0, 1))
    assert children[0][0] == low and children[-1][1] == high
    assert all(left[1] + 1 == right[0] for left, right in zip(children, children[1:], strict=False))


@pytest.mark.parametrize(
    ("place", "there"), [((0, 0, 0), True), ((3, 8, 0), False), ((3, 0, -1), False), ((23, 0, 0), False)]
)
def test_only_tiles_inside_the_pyramid_exist(place: tuple[int, int, int], there: bool) -> None:
    assert tile_exists(*place, deepest=22) is there


def test_scope_becomes_a_condition_with_parameters() -> None:
    assert scope_sql(CITY) == ("true", {})
    assert scope_sql(NOTHING)[1] == {"scope_enterprises": [], "scope_adcodes": []}
    words, facts = scope_sql(Scope(enterprise_ids=frozenset({7, 3}), adcodes=frozenset({"990101"})))
    assert "t.enterprise_id" in words and facts == {"scope_enterprises": [3, 7], "scope_adcodes": ["990101"]}


def test_pipes_thin_out_with_distance() -> None:
    assert "<= 4" in pipe_classes(10) and "<= 5" in pipe_classes(12) and "<= 6" in pipe_classes(13)
    assert "pressure_class" not in pipe_classes(14)


def test_layers_are_named_once() -> None:
    table = LayerTable([*BASE_LAYERS, *NETWORK_LAYERS])
    assert table.named("pipe").name == "pipe"
    with pytest.raises(UnknownLayer):
        table.named("gas_pipe; drop table gas_pipe")
    with pytest.raises(ValueError, match="two layers"):
        LayerTable([BASE_LAYERS[0], BASE_LAYERS[0]])


def test_cache_drops_the_least_used() -> None:
    cache = TileCache(limit_bytes=2 * (10 + ENTRY_BYTES))
    cache.put("a", b"0" * 10)
    cache.put("b", b"1" * 10)
    assert cache.get("a")
    cache.put("c", b"2" * 10)
    assert cache.get("b") is None and cache.get("a") and cache.get("c")
    cache.clear()
    assert cache.get("a") is None


def test_gl_map_is_a_folium_map_without_foreign_links() -> None:
    drawn = GLMap(center=(112.5, 32.0), zoom=11)
    drawn.add_child(GLLayer("pipe", "</script><b>", "管网", visible=True))
    made = parts(drawn)
    assert isinstance(drawn, folium.Map)
    assert made.css == ["vendor/maplibre/maplibre-gl.css", "css/map.css"] and made.js == []
    assert "</script" not in made.script and "http" not in made.script
    options = json.loads(made.script.split("startMap(", 1)[1].rsplit(");", 1)[0])
    assert options["layers"] == [{"name": "pipe", "label": "</script><b>", "group": "管网", "visible": True}]
    assert all((STATIC / name).is_file() for name in made.css)


def test_gl_map_refuses_what_only_leaflet_draws() -> None:
    with pytest.raises(TypeError):
        GLMap(center=(0, 0), zoom=1).add_child(folium.Marker((0, 0)))


def test_element_with_an_unknown_file_stops_the_map() -> None:
    drawn = folium.Map(tiles=None)
    HeatMap([[32.0, 112.5]]).add_to(drawn)
    with pytest.raises(ForeignAsset):
        parts(drawn)


def test_overview_is_one_file_that_asks_for_nothing() -> None:
    line = {"type": "LineString", "coordinates": [[112, 31], [113, 32]]}
    drawn = overview_map(
        [{"type": "Feature", "properties": {"kind": "5"}, "geometry": line}],
        colour_of={"5": "#2fd3e6"}, box=(112, 31, 113, 32),
    )
    page = overview_html(drawn, lambda name: (STATIC / name).read_bytes(), "管网 <概览>")
    assert "管网 &lt;概览&gt;" in page and "#2fd3e6" in page and "default-src 'none'" in page
    assert '<script src' not in page and "<link" not in page and "url(http" not in page


def test_silence_is_three_periods_but_at_least_five_minutes() -> None:
    assert not is_silent(NOW - timedelta(seconds=299), 10, NOW)
    assert is_silent(NOW - timedelta(seconds=301), 10, NOW)
    assert not is_silent(NOW - timedelta(seconds=899), 300, NOW)
    assert is_silent(None, 300, NOW)


def test_window_reads_hours_only_for_long_spans() -> None:
    assert window_of(NOW - timedelta(days=1), NOW, 300) == window_of(NOW, NOW, 300)
    assert window_of(NOW - timedelta(days=1), NOW, 300).step_s == 300
    assert window_of(NOW - timedelta(days=7), NOW, 300).resolution == "reading"
    second = window_of(NOW - timedelta(days=1), NOW, 1)
    assert (second.resolution, second.step_s) == ("minute", 120)
    assert window_of(NOW - timedelta(days=7), NOW, 1).resolution == "hour"
    month = window_of(NOW - timedelta(days=30), NOW, 300)
    assert (month.resolution, month.step_s) == ("hour", 3600)
    years = window_of(NOW - timedelta(days=1826), NOW, 300)
    assert (years.resolution, years.step_s) == ("day", 3 * 86_400)
    assert window_of(NOW - timedelta(days=9000), NOW, 300).begin == NOW - timedelta(days=3660)


def test_buckets_hold_the_figures_of_their_good_readings() -> None:
    ms = np.array([0, 30_000, 59_999, 60_000, 200_000])
    value, quality = np.array([1.0, 5.0, 9.0, np.nan, 3.0]), np.array([192, 216, 84, 192, 192], np.int16)
    assert buckets_of(ms, value, quality, 60) == [
        Figures(0.0, 1.0, 5.0, 3.0, 5.0, 3, 2),
        Figures(60.0, None, None, None, None, 1, 0),
        Figures(180.0, 3.0, 3.0, 3.0, 3.0, 1, 1),
    ]
    assert buckets_of(ms[:1], np.array([np.nan]), quality[:1], 60)[0].good_ratio == 0


def test_gap_stays_a_gap() -> None:
    rows = [(0.0, 1.0, 1.0, 1.0), (300.0, 1.0, 1.0, 1.0), (3000.0, 2.0, 2.0, 2.0)]
    assert [row[1] for row in with_gaps(rows, 300)] == [1.0, 1.0, None, 2.0]
