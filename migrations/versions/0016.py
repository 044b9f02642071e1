"""Daily figures, packed days, retirement and second values of readings."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

READINGS = Path(__file__).parents[1] / "sql" / "readings.sql"


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    connection.exec_driver_sql(READINGS.read_text(encoding="utf-8").replace("%", "%%"))
