"""How each demo enterprise writes its own codes; every code is unique within its enterprise."""

from __future__ import annotations

from typing import Protocol

from ingestion_adapters.demo.city import adcode_of

_SOURCE_NODE = 8
_SHORT = {2: "GB", 3: "CA", 4: "CB", 5: "ZA", 6: "ZB", 7: "DY"}
MEASURE_TAGS = {
    1: "PI", 2: "FI", 3: "AI", 4: "TI", 5: "LI", 6: "ZI", 9: "CP", 11: "OD", 13: "PD", 14: "WT",
}  # fmt: skip


class Naming(Protocol):
    """The codes of one enterprise."""

    def pipe(self, tile: int, number: int, district: int, klass: int) -> str:
        """Return the code of a pipe."""

    def node(self, tile: int, number: int, kind: int) -> str:
        """Return the code of a node."""

    def station(self, tile: int, number: int, kind: int) -> str:
        """Return the code of a station."""

    def device(self, tile: int, number: int, what: str, pipe: str) -> str:
        """Return the code of a valve or regulator; `pipe` is the code of the pipe it stands on."""

    def point(self, owner: str, measure: int, serial: int) -> str:
        """Return the code of a monitoring point of an object."""

    def user(self, tile: int, number: int) -> str:
        """Return the number of a user."""

    def alarm(self, t_ms: int, point: int) -> str:
        """Return the number of an alarm."""


class GisNaming:
    """云川燃气集团: a gas company's GIS, a pipe's code in its equipment's."""

    _DEVICES = {"valve": "FMA", "regulator": "TYA"}

    def pipe(self, tile: int, number: int, district: int, klass: int) -> str:
        """Return adcode, G, class letter, and six digits of line and segment."""
        return f"{adcode_of(district, tile)}G{'?ABCDEFG'[klass]}{number:06d}"

    def node(self, tile: int, number: int, kind: int) -> str:
        """Return adcode of the city, JD (QY for a source), and six digits."""
        return f"{adcode_of(0, tile)}{'QY' if kind == _SOURCE_NODE else 'JD'}{number:06d}"

    def station(self, tile: int, number: int, kind: int) -> str:
        """Return adcode of the city, Z, a letter of the kind, and three digits."""
        return f"{adcode_of(0, tile)}Z{'?QMCLNPJT'[kind]}{number:03d}"

    def device(self, tile: int, number: int, what: str, pipe: str) -> str:
        """Return the pipe's code, three letters of the kind, and three digits."""
        return f"{pipe}{self._DEVICES[what]}{number % 1000:03d}"

    def point(self, owner: str, measure: int, serial: int) -> str:
        """Return owner, measure and two digits, with dots."""
        return f"{owner}.{MEASURE_TAGS[measure]}.{serial:02d}"

    def user(self, tile: int, number: int) -> str:
        """Return YC and ten digits."""
        return f"YC{tile:02d}{number:08d}"

    def alarm(self, t_ms: int, point: int) -> str:
        """Return YC-BJ, seconds and point."""
        return f"YC-BJ-{t_ms // 1000}-{point:04d}"


class DashNaming:
    """江北天然气: numbered by kind, with dashes."""

    _DEVICES = {"valve": "FM", "regulator": "TYX"}

    def _head(self, tile: int) -> str:
        return f"JBT{tile:02d}" if tile else "JB"

    def pipe(self, tile: int, number: int, district: int, klass: int) -> str:
        """Return GD, the class in two letters, and a number."""
        return f"{self._head(tile)}-GD-{_SHORT[klass]}-{number:05d}"

    def node(self, tile: int, number: int, kind: int) -> str:
        """Return JD and a number."""
        return f"{self._head(tile)}-JD-{number:05d}"

    def station(self, tile: int, number: int, kind: int) -> str:
        """Return CZ and a number."""
        return f"{self._head(tile)}-CZ-{number:02d}"

    def device(self, tile: int, number: int, what: str, pipe: str) -> str:
        """Return two or three letters of the kind and a number."""
        return f"{self._head(tile)}-{self._DEVICES[what]}-{number:04d}"

    def point(self, owner: str, measure: int, serial: int) -> str:
        """Return owner, a slash, and the measure numbered."""
        return f"{owner}/{MEASURE_TAGS[measure]}{serial}"

    def user(self, tile: int, number: int) -> str:
        """Return twelve digits that begin with 3."""
        return f"3{tile:02d}{number:09d}"

    def alarm(self, t_ms: int, point: int) -> str:
        """Return JB, seconds and point without a gap."""
        return f"JB{t_ms // 1000}{point:06d}"


class TagNaming:
    """开发区新能源: the tags of its SCADA."""

    _DEVICES = {"valve": "XV", "regulator": "PCV"}
    _TAGS = MEASURE_TAGS | {1: "PT", 2: "FT", 3: "GD", 4: "TT", 5: "LT", 6: "ZT"}

    def pipe(self, tile: int, number: int, district: int, klass: int) -> str:
        """Return unit, PIPE, class and number."""
        return f"K{tile:02d}.PIPE.{klass}{number:05d}"

    def node(self, tile: int, number: int, kind: int) -> str:
        """Return unit, N and number."""
        return f"K{tile:02d}.N{number:05d}"

    def station(self, tile: int, number: int, kind: int) -> str:
        """Return unit, ST and number."""
        return f"K{tile:02d}_ST{number:02d}"

    def device(self, tile: int, number: int, what: str, pipe: str) -> str:
        """Return unit, instrument letters and number."""
        return f"K{tile:02d}_{self._DEVICES[what]}{number:04d}"

    def point(self, owner: str, measure: int, serial: int) -> str:
        """Return owner, instrument letters and 100 plus the serial number."""
        return f"{owner}_{self._TAGS[measure]}{100 + serial}"

    def user(self, tile: int, number: int) -> str:
        """Return 88, unit and number."""
        return f"88-{tile:02d}-{number:07d}"

    def alarm(self, t_ms: int, point: int) -> str:
        """Return KFQ_ALM, seconds and point."""
        return f"KFQ_ALM_{t_ms // 1000}_{point}"
