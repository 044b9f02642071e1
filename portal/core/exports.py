"""Tables handed out as files: CSV that spreadsheets read, with cells they do not run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from portal.core.cells import safe_value

BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for the machine's own code page


class CsvFile:
    """A CSV file in the making: a head, then rows; `rows` is how many."""

    def __init__(self, head: Iterable[str]) -> None:
        """Begin with the words of the head."""
        self._text = io.StringIO()
        self._writer = csv.writer(self._text)
        self._writer.writerow([safe_value(word) for word in head])
        self.rows = 0

    def add(self, cells: Iterable[Any]) -> None:
        """Add one row; texts that a spreadsheet would run are made safe."""
        self._writer.writerow([safe_value(cell) for cell in cells])
        self.rows += 1

    def answer(self, name: str) -> Response:
        """Return the file as a download of this name."""
        return Response(
            BYTE_ORDER_MARK + self._text.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def csv_of(head: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> Response:
    """Return head and rows as a download of this name."""
    made = CsvFile(head)
    for row in rows:
        made.add(row)
    return made.answer(name)
