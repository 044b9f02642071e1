"""Columns of numbers between the database and arrays by binary COPY: three hundred thousand rows in part of a second."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_TYPES = {"bigint": ">i8", "integer": ">i4", "double precision": ">f8"}


def _layout(columns: Mapping[str, str]) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in columns.items():
        fields += [(f"size of {name}", ">i4"), (name, _TYPES[kind])]
    return np.dtype(fields)


def read_columns(session: Session, statement: str, columns: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Return the columns of a constant statement as arrays; every value must be there and of the type said.

    `columns` is name -> bigint, integer or double precision, in the order of the statement.
    """
    casts = ", ".join(f"{name}::{kind} as {name}" for name, kind in columns.items())
    held = io.BytesIO()
    with closing(session.connection().connection.cursor()) as cursor:
        cursor.copy_expert(f"copy (select {casts} from ({statement}) asked) to stdout (format binary)", held)
    layout = _layout(columns)
    rows, rest = divmod(held.tell() - len(_HEAD) - len(_END), layout.itemsize)
    if rest:
        raise ValueError("a column holds nothing in some row")
    found = np.frombuffer(held.getvalue(), layout, count=rows, offset=len(_HEAD))
    return {name: found[name].astype(found[name].dtype.newbyteorder("=")) for name in columns}


def fill_temporary(
    session: Session, table: str, columns: Mapping[str, str], values: Mapping[str, NDArray[Any]]
) -> None:
    """Make a temporary table of these columns and fill it; it is gone at the end of the transaction."""
    made = ", ".join(f"{name} {kind} not null" for name, kind in columns.items())
    layout = _layout(columns)
    rows = np.zeros(len(next(iter(values.values()))), layout)
    rows["fields"] = len(columns)
    for name in columns:
        rows[f"size of {name}"] = layout[name].itemsize
        rows[name] = values[name]
    body = io.BytesIO(_HEAD + rows.tobytes() + _END)
    with closing(session.connection().connection.cursor()) as cursor:
        cursor.execute(f"create temporary table {table} ({made}) on commit drop")
        cursor.copy_expert(f"copy {table} from stdin (format binary)", body)
        cursor.execute(f"analyze {table}")
