"""Mappings of enterprises' own words, onboarding with its sandbox, and versions of the interfaces."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ONBOARDING = Path(__file__).parents[1] / "sql" / "onboarding.sql"
TABLES = (
    "enterprise_mapping",
    "raw_message",
    "onboarding",
    "onboarding_step",
    "onboarding_document",
    "sandbox_run",
    "interface_version",
    "interface_notice",
    "interface_notice_read",
)


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(ONBOARDING.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    """Take the tables away again, with what they hold."""
    op.execute("drop function retire_raw_messages(int)")
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
    op.drop_column("api_key", "sandbox")
