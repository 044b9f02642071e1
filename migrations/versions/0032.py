"""Programs ask ahead for late readings."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE, RULE = "backfill_request", "ck_backfill_request_opened_how"


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f(RULE), TABLE, type_="check")
    op.create_check_constraint(op.f(RULE), TABLE, "opened_how in ('delivery', 'person', 'program')")
    op.alter_column(TABLE, "opened_how", comment="delivery: late readings came; person, program: asked ahead")
