"""The alarm desk: holds, groups, handling records, duty, escalation, notices."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "desk.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(STATEMENTS.read_text(encoding="utf-8").replace("%", "%%"))
