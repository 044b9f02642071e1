"""GeoJSON, GeoPackage and XLSX of a handout, each marked with who took it away and when."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import geopandas
import orjson
import shapely
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from gis.crs import STORAGE_SRID
from gis.handouts.content import SYSTEM_WORDS, Handout, Sheet
from portal.core.cells import safe_value

WIDEST = 40
_DIGITS = 8


def geojson(handout: Handout) -> bytes:
    """Return one FeatureCollection; foreign members say who took it and in which system the coordinates are."""
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(shapely.set_precision(row.shape, 10**-_DIGITS)),
            "properties": {"layer": sheet.key} | dict(zip(sheet.columns, row.values, strict=True)),
        }
        for sheet in handout.sheets
        for row in sheet.rows
    ]
    head = {"title": handout.title, "mark": handout.mark, "coordinates": SYSTEM_WORDS[handout.system]}
    return orjson.dumps({"type": "FeatureCollection", **head, "features": features})


def geopackage(handout: Handout) -> bytes:
    """Return a GeoPackage with one table a layer and a table that says who took it."""
    crs = f"EPSG:{STORAGE_SRID}" if handout.system == "CGCS2000" else None
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Without a number of the system the writer warns, and an empty layer has no shape to tell its kind from.
        warnings.simplefilter("ignore")
        path = Path(folder) / "map.gpkg"
        for sheet in handout.sheets:
            # The two offset systems have no number; without one the file says "undefined", and the name tells.
            name = sheet.key if crs else f"{sheet.key}_{handout.system.lower()}"
            _frame(sheet, crs).to_file(path, layer=name, driver="GPKG", engine="pyogrio")
        mark = {"title": [handout.title], "mark": [handout.mark], "coordinates": [SYSTEM_WORDS[handout.system]]}
        frame = geopandas.GeoDataFrame(mark, geometry=[shapely.Point()], crs=crs)
        frame.to_file(path, layer="about", driver="GPKG", engine="pyogrio")
        return path.read_bytes()


def _frame(sheet: Sheet, crs: str | None) -> geopandas.GeoDataFrame:
    columns = {key: [row.values[at] for row in sheet.rows] for at, key in enumerate(sheet.columns)}
    return geopandas.GeoDataFrame(columns, geometry=[row.shape for row in sheet.rows], crs=crs)


def workbook(handout: Handout) -> bytes:
    """Return an XLSX with one sheet a layer: the mark, the head, then the objects with longitude and latitude."""
    book = Workbook(write_only=True)
    for sheet in handout.sheets:
        page = book.create_sheet(sheet.title[:31])
        page.freeze_panes = "A4"
        page.oddFooter.center.text = handout.mark
        heads = [*sheet.columns.values(), "lon", "lat"]
        for at, head in enumerate(heads, start=1):
            page.column_dimensions[get_column_letter(at)].width = min(WIDEST, max(12, 2 * len(head)))
        page.append([safe_value(f"{handout.title} · {SYSTEM_WORDS[handout.system]}")])
        page.append([safe_value(handout.mark)])
        page.append([_bold(page, safe_value(head)) for head in heads])
        for row in sheet.rows:
            middle = row.shape.representative_point() if row.shape.geom_type != "LineString" else _middle(row.shape)
            page.append([*(safe_value(value) for value in row.values), round(middle.x, _DIGITS), round(middle.y, _DIGITS)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _middle(line: Any) -> Any:
    return line.interpolate(0.5, normalized=True)


def _bold(page: Any, value: Any) -> Any:
    cell = WriteOnlyCell(page, value=value)
    cell.font = Font(bold=True)
    return cell
