"""Meters at ten million: numbers in blocks, newest counters and readings as one array row a block."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

METERS = Path(__file__).parents[1] / "sql" / "meters.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(METERS.read_text(encoding="utf-8").replace("%", "%%"))
