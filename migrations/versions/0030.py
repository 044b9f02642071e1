"""Risk of the network, with version 1 of its model released."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import op
from sqlalchemy import text

from gis.risk.defaults import VERSION_1

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "risk.sql"
FIRST = """
insert into risk_model (state, title, reason, drafted_by, released_by, released_at)
values (2, '城市燃气管道失效率模型', '首版：基准失效率与修正系数', 'default', 'default', now())
"""
ROW = """
insert into risk_factor (model_id, key, ordinal, weight, bands, source)
values ((select min(id) from risk_model), :key, :ordinal, :weight, cast(:bands as jsonb), :source)
"""


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    connection.exec_driver_sql(STATEMENTS.read_text(encoding="utf-8").replace("%", "%%"))
    connection.exec_driver_sql(FIRST)
    for ordinal, factor in enumerate(VERSION_1.factors.values()):
        connection.execute(
            text(ROW),
            {
                "key": factor.key,
                "ordinal": ordinal,
                "weight": factor.weight,
                "bands": json.dumps(dict(factor.bands)),
                "source": factor.source,
            },
        )
