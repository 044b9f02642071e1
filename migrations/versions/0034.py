"""Past days on the map, borders between enterprises, proposed corrections."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "borders.sql"


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(STATEMENTS.read_text(encoding="utf-8").replace("%", "%%"))
