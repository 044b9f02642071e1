"""Stations: which point fills which place of a process picture, and the addresses of cameras."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

STATIONS = Path(__file__).parents[1] / "sql" / "stations.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(STATIONS.read_text(encoding="utf-8").replace("%", "%%"))
