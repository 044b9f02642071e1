"""Questions to the network: what changed it last, the worst of its pipes, and shut-off plans handed over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import portal.core.db

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

GRAPH_TABLES = ("gas_node", "gas_pipe", "gas_valve", "gas_regulator", "gas_station", "gas_user")
# A sequence would be cheaper but moves before the change can be seen; a row a transaction appears with its change.
NOTE = """
create function note_network_change() returns trigger language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  insert into network_change (xid) values (pg_current_xact_id()) on conflict (xid) do nothing;
  return null;
end $$
"""
MAY = """(select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[])
  or adcode = any ((select scope_districts())::text[])"""


def upgrade() -> None:
    """Apply."""
    _changes()
    _atlas()
    _plans()
    for table in ("network_atlas", "shutoff_plan"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy in_scope on {table} using ({MAY}) with check ({MAY})")
    op.execute("revoke all on network_change, network_atlas, shutoff_plan from ranjian_app, ranjian_worker")
    op.execute("grant select on network_change, network_atlas, shutoff_plan to ranjian_app, ranjian_worker")
    op.execute("grant insert on shutoff_plan to ranjian_app, ranjian_worker")
    op.execute("grant insert, delete on network_atlas to ranjian_worker")
    op.execute("grant delete on network_change to ranjian_worker")
    op.execute("create trigger append_only before update or delete on shutoff_plan for each row execute function refuse_change()")
    op.execute("create trigger never_truncate before truncate on shutoff_plan for each statement execute function refuse_change()")
    op.execute("alter table shutoff_plan enable always trigger append_only, enable always trigger never_truncate")


def _changes() -> None:
    op.create_table(
        "network_change",
        sa.Column("xid", portal.core.db.Xid8(), nullable=False, comment="transaction that changed the network"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("xid", name="pk_network_change"),
        comment="网络变更 / transactions that changed the network, by which a graph held in memory knows that it is old",
    )
    op.execute(NOTE)
    op.execute("revoke all on function note_network_change() from public")
    for table in GRAPH_TABLES:
        op.execute(
            f"create trigger note_change after insert or update or delete or truncate on {table} "
            "for each statement execute function note_network_change()"
        )


def _atlas() -> None:
    op.create_table(
        "network_atlas",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="owner of the pipe"),
        sa.Column("adcode", sa.Text(), nullable=True, comment="district of the pipe"),
        sa.Column("sort", sa.Text(), nullable=False, comment="segment: lost when shut off; unfed: a part no source feeds"),
        sa.Column("place", sa.Integer(), nullable=False, comment="1 the worst of its owner and sort"),
        sa.Column("pipe_id", sa.BigInteger(), nullable=False, comment="a pipe of it, to find it by"),
        sa.Column("pipe_code", sa.Text(), nullable=False, comment="the enterprise's own code of that pipe"),
        sa.Column("road_name", sa.Text(), nullable=True, comment="road of that pipe"),
        sa.Column("pressure_class", sa.SmallInteger(), nullable=False, comment="code pressure_class of that pipe"),
        sa.Column("pipes", sa.Integer(), nullable=False, comment="pipes shut off together, or pipes of the part"),
        sa.Column("length_m", sa.Double(), nullable=False, comment="their length, m"),
        sa.Column("users", sa.Integer(), nullable=False, comment="users without gas"),
        sa.Column("households", sa.Integer(), nullable=False, comment="households without gas"),
        sa.Column("special_users", sa.Integer(), nullable=False, comment="of these neither residential nor commercial"),
        sa.Column("valves", sa.Integer(), nullable=False, comment="valves to close"),
        sa.Column("on_site", sa.Integer(), nullable=False, comment="of these somebody must go to"),
        sa.Column("source_stopped", sa.Boolean(), nullable=False, comment="valves are not enough: a source has to stop"),
        sa.Column("bridge", sa.Boolean(), nullable=False, comment="that pipe lies on no loop"),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False, comment="when it was worked out"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="fk_network_atlas_enterprise_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_network_atlas"),
        sa.UniqueConstraint("enterprise_id", "sort", "place", name="uq_network_atlas_enterprise_id_sort_place"),
        comment="管网薄弱图谱 / the worst pipes of each enterprise by users lost, and parts without supply",
    )


def _plans() -> None:
    op.create_table(
        "shutoff_plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="owner of the place struck"),
        sa.Column("adcode", sa.Text(), nullable=True, comment="district of the place struck"),
        sa.Column("object_type", sa.Text(), nullable=False, comment="layer of the place struck"),
        sa.Column("object_id", sa.BigInteger(), nullable=False, comment="number of the place struck"),
        sa.Column("question", sa.Text(), nullable=False, comment="places, stuck valves and plan as they stand in an address"),
        sa.Column("told", sa.JSON(), nullable=False, comment="the plan as it was handed over"),
        sa.Column("sm3", sa.Text(), nullable=False, comment="SM3 of the plan as stored"),
        sa.Column("case_id", sa.BigInteger(), nullable=False, comment="supervision case it was handed over with"),
        sa.Column("incident_no", sa.Text(), nullable=True, comment="number of the enterprise's incident it belongs to"),
        sa.Column("seen_scope", sa.Text(), nullable=False, comment="scope it was told for; others see it told anew"),
        sa.Column("made_by", sa.Text(), nullable=False, comment="who handed it over"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(["case_id"], ["supervision_case.id"], name="fk_shutoff_plan_case_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="fk_shutoff_plan_enterprise_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_shutoff_plan"),
        comment="关阀方案移交 / shut-off plans as handed over to emergency command; insert only",
    )
    op.create_index("ix_shutoff_plan_case_id", "shutoff_plan", ["case_id"], unique=False)
    op.create_index("ix_shutoff_plan_object_id", "shutoff_plan", ["object_id", "object_type"], unique=False)
