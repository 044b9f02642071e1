"""Files of the map: the same objects in each format, marked, in the system asked for, drawn to scale."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import geopandas
import openpyxl
import pyogrio
import pytest
import shapely

from gis.handouts.content import Handout, Row, Sheet, in_system
from gis.handouts.drawing import Frame, path_of, scale_bar, watermark
from gis.handouts.files import geojson, geopackage, workbook
from gis.handouts.page import offline_page
from portal.home.palette import palette, read_asset

MARK = "张三 (zhang) · 2026-11-25 18:00:00 · internal"
PIPE = shapely.LineString([(116.404, 39.915), (116.414, 39.925)])
VALVE = shapely.Point(117.0204, 36.6681)


def handout(system: str = "CGCS2000") -> Handout:
    columns = {"code": "编码", "length_m": "长度 (m)"}
    pipes = [Row(in_system(PIPE, system), ["=1+1", 12.5], "#2fd3e6"), Row(in_system(PIPE, system), ["</script>", None], "#2fd3e6")]
    valves = [Row(in_system(VALVE, system), ["V1"], "#e58fd0")]
    sheets = [Sheet("pipe", "管段", columns, pipes), Sheet("valve", "阀门", {"code": "编码"}, valves)]
    return Handout("选区 <1>", MARK, system, sheets, [("#2fd3e6", "中压A")])


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("CGCS2000", (117.0204, 36.6681)),
        ("GCJ02", (117.026330, 36.668424)),
    ],
)
def test_the_published_point_leaves_in_the_system_asked_for(system: str, place: tuple[float, float]) -> None:
    found = in_system(VALVE, system)
    assert (found.x, found.y) == pytest.approx(place, abs=2e-6)


def test_bd09_is_the_second_offset_of_the_published_point() -> None:
    found = in_system(shapely.Point(116.404, 39.915), "BD09")
    assert (found.x, found.y) == pytest.approx((116.416627, 39.922700), abs=2e-6)


def test_geojson_says_who_took_it_and_in_which_system() -> None:
    made = json.loads(geojson(handout("GCJ02")))
    assert made["mark"] == MARK and made["coordinates"] == "GCJ-02"
    assert [each["properties"]["layer"] for each in made["features"]] == ["pipe", "pipe", "valve"]
    assert made["features"][0]["geometry"]["coordinates"][0] == pytest.approx([116.410244, 39.916404], abs=2e-6)


def test_geopackage_has_a_table_a_layer_and_the_mark(tmp_path: Path) -> None:
    path = tmp_path / "map.gpkg"
    path.write_bytes(geopackage(handout()))
    assert set(pyogrio.list_layers(path)[:, 0]) == {"pipe", "valve", "about"}
    pipes = geopandas.read_file(path, layer="pipe")
    assert pipes.crs.to_epsg() == 4490 and list(pipes["length_m"].dropna()) == [12.5]
    assert pipes.geometry[0].equals(PIPE)
    assert list(geopandas.read_file(path, layer="about")["mark"]) == [MARK]
    path.write_bytes(geopackage(handout("BD09")))
    assert "pipe_bd09" in set(pyogrio.list_layers(path)[:, 0])


def test_workbook_runs_no_cell_and_carries_the_mark() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(handout())))
    page = book["管段"]
    rows = list(page.iter_rows(values_only=True))
    assert book.sheetnames == ["管段", "阀门"] and MARK in str(rows[1])
    assert rows[2] == ("编码", "长度 (m)", "lon", "lat")
    assert rows[3][:2] == ("'=1+1", 12.5) and rows[3][2] == pytest.approx(116.409)


def test_page_carries_everything_inside_and_asks_nobody() -> None:
    page = offline_page(handout(), read_asset).decode()
    assert "选区 &lt;1&gt;" in page and MARK in page and "#2fd3e6" in page and "中压A" in page
    assert "</script>" not in page.split("FeatureCollection")[1].split("FeatureCollection")[0].split("\n")[0]
    assert not re.search(r"<script[^>]+src=|<link|url\(http|@import", page)
    assert "default-src 'none'" in page


def test_frame_fills_the_paper_and_keeps_the_view_inside() -> None:
    frame = Frame.around((112.4, 31.9, 112.6, 32.0), 277, 165)
    assert frame.west <= 112.4 and frame.east >= 112.6 and frame.south <= 31.9 and frame.north >= 32.0
    corners = frame.place(shapely.get_coordinates(shapely.LineString([(frame.west, frame.north), (frame.east, frame.south)])))
    assert corners[0] == pytest.approx([0, 0], abs=1e-6) and corners[1] == pytest.approx([277, 165], abs=1e-6)
    length_mm, words = scale_bar(frame)
    metres = float(words.split()[0]) * (1000 if "km" in words else 1)
    assert length_mm * frame.metres_per_mm == pytest.approx(metres) and 15 < length_mm <= 50


def test_drawn_lines_lie_where_they_belong() -> None:
    frame = Frame.around((112.4, 31.9, 112.6, 32.0), 277, 165)
    middle = shapely.LineString([(112.5, frame.south), (112.5, frame.north)])
    assert path_of([middle], frame).startswith("M138.50 165.00L138.50")
    assert "&lt;b&gt;" in watermark("<b>", frame, "#fff")


def test_both_looks_have_every_colour_a_sheet_needs() -> None:
    dark, light = palette("dark"), palette("light")
    assert dark["--p3"] == "#2fd3e6" and light["--c1"] == "#0786a0"
    assert set(dark) == set(light)
