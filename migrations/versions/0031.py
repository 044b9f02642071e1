"""A batch of readings is opened, stored, noted and receipted in one round trip."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "push.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(STATEMENTS.read_text(encoding="utf-8").replace("%", "%%"))
