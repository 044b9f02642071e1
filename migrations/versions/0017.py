"""Doors: what an upload holds, and enterprises' own interfaces that are asked by schedule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

DOOR = "http, mqtt, drop, upload, pull, cli, demo"
DOOR_BEFORE = "http, upload, file, cli, demo"

GUARDS = """
alter table pull_source enable row level security;
create policy in_scope on pull_source using (
  (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))
  with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]));
alter table pull_run enable row level security;
create policy in_scope on pull_run using (
  (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))
  with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]));
grant select, insert, update on pull_source to ranjian_app, ranjian_worker;
grant select on pull_run to ranjian_app;
grant select, insert, delete on pull_run to ranjian_worker;
"""


def instant(name: str, comment: str, *, null: bool = False) -> sa.Column:
    """Return a column of an instant."""
    default = None if null else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=null, comment=comment)


def upgrade() -> None:
    """Apply."""
    op.alter_column("receipt", "door", comment=DOOR, existing_comment=DOOR_BEFORE, existing_nullable=False)
    op.add_column(
        "import_job",
        sa.Column(
            "dataset",
            sa.Text(),
            server_default="NET",
            nullable=False,
            comment="what the files hold; NET deliveries are judged as a whole",
        ),
    )
    op.create_table(
        "pull_source",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="whose data"),
        sa.Column("dataset", sa.Text(), nullable=False, comment="RT ALM USR DAY …"),
        sa.Column("url", sa.Text(), nullable=False, comment="address without the cursor; its host must be allowed by PORTAL_PULL_HOSTS"),
        sa.Column("period_s", sa.Integer(), server_default="60", nullable=False, comment="seconds between two questions"),
        sa.Column("header_name", sa.Text(), comment="header that carries the enterprise's token"),
        sa.Column("header_sealed", sa.Text(), comment="value of that header, SM4-GCM under the portal's seal key, bound to the row"),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False, comment="where the next question begins, as the last answer said"),
        sa.Column("state", sa.Text(), server_default="running", nullable=False, comment="running or stopped"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="failures in a row; the pauses grow with them"),
        sa.Column("last_error", sa.Text(), comment="why the last question failed"),
        instant("last_at", "last answer that was taken in", null=True),
        instant("next_at", "next question"),
        instant("created_at", "entered"),
        instant("updated_at", "changed by a person"),
        sa.CheckConstraint("state in ('running', 'stopped')", name=op.f("ck_pull_source_state")),
        sa.CheckConstraint("period_s between 10 and 86400", name=op.f("ck_pull_source_period")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_pull_source_enterprise_id_enterprise"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_source")),
        comment="定时拉取来源 / an enterprise's own HTTP interface, asked by schedule",
    )
    op.create_index(op.f("ix_pull_source_enterprise_id"), "pull_source", ["enterprise_id"])
    op.create_index("ix_pull_source_due", "pull_source", ["next_at"], postgresql_where=sa.text("state = 'running'"))
    op.create_table(
        "pull_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="source"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="whose, for the row policy"),
        instant("at", "begun"),
        sa.Column("took_ms", sa.Integer(), nullable=False, comment="how long it took, ms"),
        sa.Column("ok", sa.Boolean(), nullable=False, comment="whether the answer was taken in"),
        sa.Column("status", sa.Integer(), comment="HTTP status of the enterprise's server"),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False, comment="records in the answer"),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False, comment="records stored"),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False, comment="records refused"),
        sa.Column("receipt_id", sa.BigInteger(), comment="receipt, also of a refused answer"),
        sa.Column("error", sa.Text(), comment="why it failed"),
        sa.ForeignKeyConstraint(["source_id"], ["pull_source.id"], name=op.f("fk_pull_run_source_id_pull_source"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_run")),
        comment="拉取记录 / questions to pull_source and what came of them; kept 30 days",
    )
    op.create_index("ix_pull_run_source", "pull_run", ["source_id", "id"])
    op.create_index("ix_pull_run_at", "pull_run", ["at"])
    op.execute(GUARDS)


def downgrade() -> None:
    """Take back."""
    op.drop_table("pull_run")
    op.drop_table("pull_source")
    op.drop_column("import_job", "dataset")
    op.alter_column("receipt", "door", comment=DOOR_BEFORE, existing_comment=DOOR, existing_nullable=False)
