"""Rules of points in versions, with rehearsal and release; templates by kind of point; work orders."""

from __future__ import annotations

import csv
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

ROOT = Path(__file__).parents[2]
STATEMENTS = ROOT / "migrations" / "sql" / "limits.sql"
TEMPLATES = ROOT / "portal" / "operation" / "limits" / "data" / "templates.csv"
ROW = """
insert into limit_template (key, zh, en, measure, unit, content, source, sort)
values (:key, :zh, :en, :measure, :unit, cast(:content as jsonb), :source, :sort)
"""


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    connection.exec_driver_sql(STATEMENTS.read_text(encoding="utf-8").replace("%", "%%"))
    with TEMPLATES.open(encoding="utf-8", newline="") as lines:
        for sort, row in enumerate(csv.DictReader(lines)):
            connection.execute(text(ROW), row | {"measure": int(row["measure"]), "sort": sort})
