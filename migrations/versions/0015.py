"""What enterprises file: dangers, works, patrols, checks, incidents, readiness, months, certificates and people."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

RECORDS = Path(__file__).parents[1] / "sql" / "records.sql"
TABLES = (
    "enterprise_profile",
    "enterprise_certificate",
    "enterprise_person",
    "monthly_report",
    "hidden_danger",
    "works_site",
    "works_operation",
    "patrol",
    "household_check",
    "incident",
    "drill",
    "emergency_plan",
    "emergency_supply",
    "emergency_team",
)


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(RECORDS.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    """Take the tables away again, with what they hold."""
    op.execute("drop trigger keep_history on dict_entry")
    op.execute("drop table dict_entry_history")
    for table in reversed(TABLES):
        op.execute(f"drop table {table}_history")
        op.execute(f"drop table {table}")
