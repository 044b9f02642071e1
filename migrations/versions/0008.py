"""Guards: row scope, ledgers, history, partitions, grants."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

GUARDS = Path(__file__).parents[1] / "sql" / "guards.sql"


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    connection.exec_driver_sql(GUARDS.read_text(encoding="utf-8").replace("%", "%%"))
