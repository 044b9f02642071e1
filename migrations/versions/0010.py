"""Intake takes a receipt's number before it writes the rows that carry it."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("grant usage on sequence receipt_id_seq to ranjian_worker, ranjian_app")
