"""What a file of the map holds: layers of named columns and shapes, who took it when, and in which system; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import STORAGE_SRID, bd09_from_gcj02, gcj02_from_cgcs2000

Pairs = NDArray[np.float64]
DRAWN_MOST = 20_000  # objects of a page that opens anywhere


def _as_stored(points: Pairs) -> Pairs:
    return points


def _gcj02(points: Pairs) -> Pairs:
    return np.column_stack(gcj02_from_cgcs2000(points[:, 0], points[:, 1]))


def _bd09(points: Pairs) -> Pairs:
    return np.column_stack(bd09_from_gcj02(*gcj02_from_cgcs2000(points[:, 0], points[:, 1])))


# What is stored is CGCS2000; the two offset systems of public web maps exist only in what is handed out.
SYSTEMS: dict[str, Callable[[Pairs], Pairs]] = {"CGCS2000": _as_stored, "GCJ02": _gcj02, "BD09": _bd09}
SYSTEM_WORDS = {"CGCS2000": f"CGCS2000 (EPSG:{STORAGE_SRID})", "GCJ02": "GCJ-02", "BD09": "BD-09"}


@dataclass(frozen=True)
class Row:
    """One object: its shape, its values in the order of the columns, and the colour it is drawn in."""

    shape: Any
    values: Sequence[Any]
    colour: str = ""


@dataclass(frozen=True)
class Sheet:
    """One layer: its key, its words, the keys and words of its columns, and its rows."""

    key: str
    title: str
    columns: dict[str, str]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Handout:
    """All that one file holds; `mark` says who took it away and when, and stands in every file."""

    title: str
    mark: str
    system: str
    sheets: Sequence[Sheet]
    legend: Sequence[tuple[str, str]] = ()

    @property
    def rows(self) -> int:
        """Return how many objects the file holds."""
        return sum(len(sheet.rows) for sheet in self.sheets)


def in_system(shape: Any, system: str) -> Any:
    """Return a shape of the storage system in the system of a file."""
    return shapely.transform(shape, SYSTEMS[system])
