"""An export that proves itself: the SM3 of everything above stands in its last line, in its header and in the audit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from portal.core.cells import safe_value
from portal.core.crypto import PROVIDER
from portal.core.exports import BYTE_ORDER_MARK


@dataclass(frozen=True)
class SealedCsv:
    """Rows as CSV, how many, and the SM3 (hex) of the bytes before the last line, byte order mark included."""

    text: str
    rows: int
    sm3: str

    def answer(self, name: str, *, cut: bool) -> Response:
        """Return the file as a download of this name; a header says when not all rows fitted in."""
        return Response(
            f"{self.text}SM3,{self.sm3}\r\n",
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-SM3": self.sm3,
                "X-Rows": str(self.rows),
                "X-Rows-Cut": "1" if cut else "0",
            },
        )


def sealed_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> SealedCsv:
    """Return head and rows as a CSV file that carries its own SM3."""
    made, count = io.StringIO(), 0
    writer = csv.writer(made)
    writer.writerow([safe_value(each) for each in head])
    for row in rows:
        writer.writerow([safe_value(each) for each in row])
        count += 1
    text = BYTE_ORDER_MARK + made.getvalue()
    return SealedCsv(text, count, PROVIDER.sm3(text.encode("utf-8")).hex())
