"""Data quality: states of feeds, rules, results, scores, findings and reconciliation."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = (
    "reconciliation_claim", "quality_step", "quality_finding", "point_day_print", "quality_due", "quality_score",
    "quality_result", "quality_rule", "feed_hour", "feed_silence", "feed_state",
)


def upgrade() -> None:
    """Apply."""
    statements = (Path(__file__).parents[1] / "sql" / "quality.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def downgrade() -> None:
    """Take back."""
    for table in ("rollup_day_due", "daily_supply"):
        op.execute(f"drop trigger quality_day_due on {table}")
    op.execute("drop function quality_day_due()")
    for table in TABLES:
        op.execute(f"drop table {table}")
