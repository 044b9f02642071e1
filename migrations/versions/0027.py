"""Late readings wait for approval; regulators who read a notice are the city's to see; hourly figures in months."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

HOURS = Path(__file__).parents[1] / "sql" / "reading_hours.sql"
AT = sa.DateTime(timezone=True)
OWN = "(select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[])"
SERVED = "enterprise_id = any ((select scope_served_enterprises())::int[])"
OPEN = "opened_how = 'delivery' and state in ('noted', 'asked')"


# An enterprise learns how many regulators know of a notice, not who they are.
READERS = f"""
drop policy in_scope on interface_notice_read;
create policy in_scope on interface_notice_read using ({OWN} or (enterprise_id is null and (select scope_all())))
  with check ({OWN} or enterprise_id is null);
create function notice_read_by(notice int, who text) returns boolean language sql stable security definer
set search_path = pg_catalog, public as $$
  select exists (select from interface_notice_read r where r.notice_id = notice and r.reader = who)
$$;
create function notice_regulators(notice int) returns bigint language sql stable security definer
set search_path = pg_catalog, public as $$
  select count(*) from interface_notice_read r where r.notice_id = notice and r.enterprise_id is null
$$;
revoke all on function notice_read_by(int, text), notice_regulators(int) from public;
grant execute on function notice_read_by(int, text), notice_regulators(int) to ranjian_app, ranjian_worker;
"""


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(READERS)
    op.get_bind().exec_driver_sql(HOURS.read_text(encoding="utf-8").replace("%", "%%"))
    _requests()
    _held()
    for table in ("backfill_request", "backfill_held"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy in_scope on {table} using ({OWN}) with check ({OWN})")
        op.execute(f"create policy served_in_district on {table} for select using ({SERVED})")
        op.execute(f"revoke all on {table} from ranjian_app, ranjian_worker")
        op.execute(f"grant select on {table} to ranjian_app, ranjian_worker")
        op.execute(f"grant insert, update on {table} to ranjian_worker")
    op.execute("grant insert on backfill_request to ranjian_app")
    op.execute("grant update (state, reason, decided_by, decided_at, decision) on backfill_request to ranjian_app")


def _requests() -> None:
    op.create_table(
        "backfill_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="request number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="sender"),
        sa.Column("begin_at", AT, nullable=False, comment="first source time"),
        sa.Column("end_at", AT, nullable=False, comment="last source time"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="noted: taken by request; asked: waits for approval; approved, refused, withdrawn",
        ),
        sa.Column("opened_how", sa.Text(), nullable=False, comment="delivery: late readings came; person: asked ahead"),
        sa.Column("opened_by", sa.Text(), nullable=False, comment="who asked"),
        sa.Column("opened_at", AT, server_default=sa.text("now()"), nullable=False, comment="when"),
        sa.Column(
            "reason",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="why the readings are late, by the enterprise",
        ),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="who decided"),
        sa.Column("decided_at", AT, nullable=True, comment="when"),
        sa.Column("decision", sa.Text(), nullable=True, comment="why it was so decided"),
        sa.CheckConstraint(
            "state in ('noted', 'asked', 'approved', 'refused', 'withdrawn')",
            name=op.f("ck_backfill_request_state"),
        ),
        sa.CheckConstraint("opened_how in ('delivery', 'person')", name=op.f("ck_backfill_request_opened_how")),
        sa.CheckConstraint("begin_at <= end_at", name=op.f("ck_backfill_request_span")),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprise.id"],
            ondelete="RESTRICT",
            name=op.f("fk_backfill_request_enterprise_id_enterprise"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_request")),
        comment="补传申请 / spans of readings delivered late, by request or approval",
    )
    op.create_index("ix_backfill_request_enterprise_id", "backfill_request", ["enterprise_id", "id"])
    op.create_index(
        "uq_backfill_request_open",
        "backfill_request",
        ["enterprise_id", "state"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )


def _held() -> None:
    counts = {"accepted": "rows stored after approval", "duplicate": "rows known already when approved"}
    counts["rejected"] = "rows refused when approved"
    op.create_table(
        "backfill_held",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="sender"),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False, comment="batch they came in"),
        sa.Column("begin_at", AT, nullable=False, comment="first source time of those that wait"),
        sa.Column("end_at", AT, nullable=False, comment="last source time of those that wait"),
        sa.Column("rows", sa.Integer(), nullable=False, comment="rows held when the batch came"),
        sa.Column("rows_left", sa.Integer(), nullable=False, comment="rows that wait still"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the rows that wait, JSON columns, zlib"),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=words)
            for name, words in counts.items()
        ),
        sa.Column("held_at", AT, server_default=sa.text("now()"), nullable=False, comment="when they came"),
        sa.Column("released_at", AT, nullable=True, comment="last time rows were stored from here"),
        sa.CheckConstraint("rows >= 0 and rows_left >= 0 and rows_left <= rows", name=op.f("ck_backfill_held_rows")),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprise.id"],
            ondelete="RESTRICT",
            name=op.f("fk_backfill_held_enterprise_id_enterprise"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_held")),
        comment="待审批读数 / readings that wait for approval; never deleted while they wait",
    )
    op.create_index("ix_backfill_held_receipt_id", "backfill_held", ["receipt_id"])
    op.create_index(
        "ix_backfill_held_waiting",
        "backfill_held",
        ["enterprise_id", "id"],
        postgresql_where=sa.text("rows_left > 0"),
    )
