"""The outbox to superior platforms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# What is forwarded is of many enterprises at once: only the whole city's scope sees it.
GUARDS = """
do $$
declare t text;
begin
  foreach t in array array['superior','upward_item','upward_batch','upward_attempt'] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy in_scope on %I using ((select scope_all())) with check ((select scope_all()))', t);
    execute format('grant select on %I to ranjian_app, ranjian_worker', t);
    execute format('grant insert on %I to ranjian_worker', t);
  end loop;
end $$;
grant update on superior, upward_batch to ranjian_worker;
grant update (batch_no) on upward_item to ranjian_worker;
revoke update, delete, truncate on upward_attempt from ranjian_app, ranjian_worker;
create trigger append_only before update or delete on upward_attempt for each row execute function refuse_change();
create trigger never_truncate before truncate on upward_attempt for each statement execute function refuse_change();
alter table upward_attempt enable always trigger append_only;
alter table upward_attempt enable always trigger never_truncate;
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "superior",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("name", sa.Text(), nullable=False, comment="name"),
        sa.Column(
            "base_url",
            sa.Text(),
            nullable=False,
            comment="address before /api/v1/ingest; its host must be allowed by PORTAL_UPWARD_HOSTS",
        ),
        sa.Column("app_id", sa.Text(), nullable=False, comment="X-App-Id the superior gave the city"),
        sa.Column(
            "key_sealed",
            sa.Text(),
            nullable=False,
            comment="HMAC-SM3 key, SM4-GCM under the portal's seal key, bound to name and app id",
        ),
        sa.Column(
            "sends", postgresql.ARRAY(sa.Text()), nullable=False, comment="datasets forwarded: ALM EVT HAZ DAY MTH"
        ),
        sa.Column("state", sa.Text(), server_default="running", nullable=False, comment="running, stopped"),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="last change",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_superior")),
        sa.UniqueConstraint("name", name=op.f("uq_superior_name")),
        comment="上级平台 / platforms above the city that get chosen events and figures",
    )
    op.create_table(
        "upward_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("superior_id", sa.Integer(), nullable=False, comment="to whom"),
        sa.Column("dataset", sa.Text(), nullable=False, comment="dataset"),
        sa.Column("batch_id", sa.Text(), nullable=False, comment="X-Batch-Id"),
        sa.Column("rows", sa.Integer(), nullable=False, comment="records in it"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="bytes as sent"),
        sa.Column("body_sm3", sa.Text(), nullable=False, comment="SM3 of the bytes, hex"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False, comment="waiting, taken, refused"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="how often it was sent"),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="next attempt",
        ),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False, comment="why the last attempt failed"),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="the superior's answer"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="made"
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="taken or refused"),
        sa.ForeignKeyConstraint(
            ["superior_id"], ["superior.id"], name=op.f("fk_upward_batch_superior_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upward_batch")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_upward_batch_batch_id")),
        comment="上报批次 / batches to a superior with their receipts",
    )
    op.create_index(
        "ix_upward_batch_due", "upward_batch", ["next_at"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(op.f("ix_upward_batch_superior_id"), "upward_batch", ["superior_id"], unique=False)
    op.create_table(
        "upward_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("superior_id", sa.Integer(), nullable=False, comment="to whom"),
        sa.Column("dataset", sa.Text(), nullable=False, comment="ALM EVT HAZ DAY MTH"),
        sa.Column(
            "object_key", sa.Text(), nullable=False, comment="code of the enterprise / its own number of the record"
        ),
        sa.Column("content_sm3", sa.Text(), nullable=False, comment="SM3 of the record, hex"),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="record as it is sent"),
        sa.Column("batch_no", sa.BigInteger(), nullable=True, comment="batch it was put in"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="owed since",
        ),
        sa.ForeignKeyConstraint(
            ["superior_id"], ["superior.id"], name=op.f("fk_upward_item_superior_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upward_item")),
        sa.UniqueConstraint(
            "superior_id",
            "dataset",
            "object_key",
            "content_sm3",
            name=op.f("uq_upward_item_superior_id_dataset_object_key_content_sm3"),
        ),
        comment="上报条目 / records owed to a superior, one row a state of the record",
    )
    op.create_index("ix_upward_item_batch_no", "upward_item", ["batch_no"], unique=False)
    op.create_index(
        "ix_upward_item_waiting",
        "upward_item",
        ["superior_id", "dataset", "id"],
        unique=False,
        postgresql_where=sa.text("batch_no is null"),
    )
    op.create_table(
        "upward_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("batch_no", sa.BigInteger(), nullable=False, comment="batch"),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status, 0 when nothing answered"),
        sa.Column("said", sa.Text(), nullable=False, comment="answer or reason, cut to 2,000 characters"),
        sa.Column("took_ms", sa.Integer(), nullable=False, comment="time until the answer, ms"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["batch_no"], ["upward_batch.id"], name=op.f("fk_upward_attempt_batch_no"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upward_attempt")),
        comment="上报尝试 / attempts to send a batch and what was answered; insert only",
    )
    op.create_index("ix_upward_attempt_batch_no", "upward_attempt", ["batch_no", "id"], unique=False)
    op.get_bind().exec_driver_sql(GUARDS.replace("%", "%%"))
