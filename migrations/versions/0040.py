"""The safety index of each day."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "safety_index.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(STATEMENTS.read_text(encoding="utf-8").replace("%", "%%"))
