"""Ledger rows carry their SM3."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROW_DIGEST = Path(__file__).parents[2] / "portal" / "audit" / "sql" / "row_digest.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(ROW_DIGEST.read_text(encoding="utf-8").replace("%", "%%"))
