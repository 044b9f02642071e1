"""What every database needs beside its tables: the scope key, the code tables and the default figures."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

DATA = Path(__file__).parents[1] / "portal" / "core" / "data"


def _rows(name: str) -> list[dict[str, Any]]:
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        return [dict(row) for row in csv.DictReader(lines)]


def seed(connection: Connection) -> None:
    """Store the scope key, refresh the code tables, add figures that are not there yet."""
    tables = inspect(connection).get_table_names()
    if "parameter" not in tables or not inspect(connection).has_table("secret", schema="guard"):
        return
    connection.execute(
        text(
            "insert into guard.secret (scope_key) values (:key) "
            "on conflict (only_row) do update set scope_key = excluded.scope_key"
        ),
        {"key": os.environ["PORTAL_SCOPE_KEY"]},
    )
    codes = [row | {"parent": row["parent"] or None, "valid_to": row["valid_to"] or None} for row in _rows("codes.csv")]
    connection.execute(
        text(
            "insert into dict_entry (dict, code, zh, en, parent, valid_from, valid_to, source) values "
            "(:dict, :code, :zh, :en, :parent, :valid_from, :valid_to, :source) on conflict (dict, code) "
            "do update set zh = excluded.zh, en = excluded.en, source = excluded.source"
        ),
        codes,
    )
    connection.execute(
        text(
            "insert into parameter (key, value, unit, zh, en, source) values "
            "(:key, :value, :unit, :zh, :en, :source) on conflict (key) do nothing"
        ),
        _rows("parameters.csv"),
    )
