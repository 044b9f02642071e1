"""What a reader hands back from its child process: grids of cells, geometries and notes, nothing judged."""

from __future__ import annotations

import msgspec

Cell = str | int | float | bool | None

MAX_FILE_MB = 200
MAX_ROWS = 1_000_000


class Note(msgspec.Struct, frozen=True):
    """A remark of a reader: the key of its words, where it was, and the facts for the sentence."""

    key: str
    row: int = 0
    field: str = ""
    raw: str = ""
    facts: dict[str, str] = {}


class Grid(msgspec.Struct):
    """One table of a file. Without `columns` the header is still among the rows.

    `numbers` are row numbers as a person counts them; `wkb` has one geometry a row; `formulas` are
    (row number, column index) of cells that hold a formula.
    """

    layer: str
    rows: list[list[Cell]]
    numbers: list[int]
    columns: list[str] | None = None
    wkb: list[bytes | None] | None = None
    crs: str = ""
    has_z: bool = False
    formulas: list[tuple[int, int]] = []


class Reply(msgspec.Struct):
    """Everything one file gave."""

    grids: list[Grid] = []
    notes: list[Note] = []


class Refused(Exception):
    """The whole file is refused; the key names the words."""

    def __init__(self, key: str, **facts: object) -> None:
        """Keep the key and the facts as text."""
        super().__init__(key)
        self.note = Note(key, facts={name: str(value) for name, value in facts.items()})
