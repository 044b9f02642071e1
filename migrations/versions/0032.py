"""Programs ask ahead for late readings, evaluations are agreed on, places of meter blocks are written alone."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE, RULE = "backfill_request", "ck_backfill_request_opened_how"
SCRIPTS = [Path(__file__).parents[1] / "sql" / name for name in ("agreements.sql", "meter_places.sql")]


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f(RULE), TABLE, type_="check")
    op.create_check_constraint(op.f(RULE), TABLE, "opened_how in ('delivery', 'person', 'program')")
    op.alter_column(TABLE, "opened_how", comment="delivery: late readings came; person, program: asked ahead")
    op.execute("drop function search_network(text, integer)")
    for script in SCRIPTS:
        op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
