"""Hydraulics: what users take by class, and scenarios with their results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import text

from gis.hydraulics.demand import first_classes

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

MAY = """(select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[])
  or adcode = any ((select scope_districts())::text[])"""
FIRST = """
insert into hydraulic_class (user_class, daily_m3, per_household, hour_share, source)
values (:code, :daily, :homes, :shares, :source)
"""


def upgrade() -> None:
    """Apply."""
    _classes()
    _scenarios()
    op.execute("alter table hydraulic_scenario enable row level security")
    op.execute(f"create policy in_scope on hydraulic_scenario using ({MAY}) with check ({MAY})")
    op.execute("revoke all on hydraulic_class, hydraulic_scenario from ranjian_app, ranjian_worker")
    op.execute("grant select on hydraulic_class, hydraulic_scenario to ranjian_app, ranjian_worker")
    op.execute("grant insert on hydraulic_scenario to ranjian_app, ranjian_worker")
    for name, when, each in (
        ("append_only", "before update or delete", "row"), ("never_truncate", "before truncate", "statement"),
    ):  # fmt: skip
        op.execute(
            f"create trigger {name} {when} on hydraulic_scenario for each {each} execute function refuse_change()"
        )
        op.execute(f"alter table hydraulic_scenario enable always trigger {name}")


def _classes() -> None:
    op.create_table(
        "hydraulic_class",
        sa.Column("user_class", sa.SmallInteger(), autoincrement=False, nullable=False, comment="code user_class"),
        sa.Column(
            "daily_m3", sa.Double(), nullable=False, comment="m³ a day (0 °C, 101.325 kPa) of one user or household"
        ),
        sa.Column("per_household", sa.Boolean(), nullable=False, comment="counted by households, not by users"),
        sa.Column("hour_share", sa.ARRAY(sa.Double()), nullable=False, comment="share of the day in each hour 0 to 23"),
        sa.Column("source", sa.Text(), nullable=False, comment="where the figures come from"),
        sa.PrimaryKeyConstraint("user_class", name="pk_hydraulic_class"),
        comment="用户用气量 / what a user of each class takes in hydraulic calculations",
    )
    for known, source in first_classes():
        op.get_bind().execute(
            text(FIRST),
            {
                "code": known.user_class, "daily": known.daily_m3, "homes": known.per_household,
                "shares": list(known.hour_share), "source": source,
            },
        )  # fmt: skip


def _scenarios() -> None:
    op.create_table(
        "hydraulic_scenario",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=True, comment="enterprise of who kept it; empty for an authority"),
        sa.Column("adcode", sa.Text(), nullable=True, comment="district of who kept it; empty for the city"),
        sa.Column("name", sa.Text(), nullable=False, comment="名称"),
        sa.Column("note", sa.Text(), nullable=True, comment="备注"),
        sa.Column("question", sa.Text(), nullable=False, comment="closed valves, stations, factor and hour as in an address"),
        sa.Column("told", sa.JSON(), nullable=False, comment="figures and problems of the whole network"),
        sa.Column("network_change", sa.Text(), nullable=False, comment="version of the network it was worked out on"),
        sa.Column("node_ids", sa.ARRAY(sa.BigInteger()), nullable=False, comment="gas_node.id of each pressure"),
        sa.Column("pressure_kpa", sa.ARRAY(sa.REAL()), nullable=False, comment="gauge kPa; NaN without a steady state"),
        sa.Column("residual_m3_per_h", sa.ARRAY(sa.REAL()), nullable=False, comment="what is left of each node's balance"),
        sa.Column("pipe_ids", sa.ARRAY(sa.BigInteger()), nullable=False, comment="gas_pipe.id of each flow"),
        sa.Column(
            "flow_m3_per_h", sa.ARRAY(sa.REAL()), nullable=False,
            comment="m³/h at 0 °C from the pipe's start; NaN without a steady state",
        ),
        sa.Column("velocity_m_per_s", sa.ARRAY(sa.REAL()), nullable=False, comment="m/s at the mean pressure of the pipe"),
        sa.Column("sm3", sa.Text(), nullable=False, comment="SM3 of question, figures and results"),
        sa.Column("case_id", sa.BigInteger(), nullable=True, comment="supervision case it is kept with"),
        sa.Column(
            "seen_scope", sa.Text(), nullable=False, comment="scope it was told for; only who has the same, or the city, sees it"
        ),
        sa.Column("owner_id", sa.Integer(), nullable=True, comment="app_user.id of who kept it"),
        sa.Column("made_by", sa.Text(), nullable=False, comment="who kept it"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(["case_id"], ["supervision_case.id"], name="fk_hydraulic_scenario_case_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="fk_hydraulic_scenario_enterprise_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hydraulic_scenario"),
        comment="水力工况 / hydraulic scenarios with their results as worked out; insert only",
    )  # fmt: skip
    op.create_index("ix_hydraulic_scenario_case_id", "hydraulic_scenario", ["case_id"], unique=False)
