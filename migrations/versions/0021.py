"""Quotas of enterprises and keys that the portal cuts off itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

GUARDS = """
do $$
declare t text;
begin
  foreach t in array array['intake_quota','key_incident'] loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy in_scope on %I using (
      (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))
      with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))$p$, t);
    execute format($p$create policy served_in_district on %I for select using (
      enterprise_id = any ((select scope_served_enterprises())::int[]))$p$, t);
    execute format('grant select, insert on %I to ranjian_app, ranjian_worker', t);
  end loop;
end $$;
grant update on intake_quota to ranjian_worker;
revoke update, delete, truncate on key_incident from ranjian_app, ranjian_worker;
create trigger append_only before update or delete on key_incident for each row execute function refuse_change();
create trigger never_truncate before truncate on key_incident for each statement execute function refuse_change();
alter table key_incident enable always trigger append_only;
alter table key_incident enable always trigger never_truncate;
"""


def upgrade() -> None:
    """Apply."""
    at = sa.DateTime(timezone=True)
    op.add_column(
        "api_key", sa.Column("cut_at", at, nullable=True, comment="cut off by the portal itself, until given free")
    )
    op.create_table(
        "intake_quota",
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="whose"),
        sa.Column("rows_per_s", sa.Double(), nullable=False, comment="rows a second in the long run"),
        sa.Column("burst_rows", sa.Double(), nullable=False, comment="rows that may come at once after a pause"),
        sa.Column("requests_per_s", sa.Double(), nullable=False, comment="requests a second in the long run"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it differs"),
        sa.Column("updated_by", sa.Integer(), nullable=True, comment="who set it"),
        sa.Column("updated_at", at, server_default=sa.text("now()"), nullable=False, comment="last change"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_intake_quota_enterprise_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by"], ["app_user.id"], name=op.f("fk_intake_quota_updated_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("enterprise_id", name=op.f("pk_intake_quota")),
        comment="企业接入配额 / what an enterprise may send, where it differs from the parameters quota.*",
    )
    _incidents(at)
    op.get_bind().exec_driver_sql(GUARDS.replace("%", "%%"))


def _incidents(at: sa.DateTime) -> None:
    words = {
        "action": "cut, released",
        "kind": "signature: wrong signatures; flood: went on beyond its quota",
        "samples": "newest of these requests: at, address, path, bytes, body_sm3",
    }
    op.create_table(
        "key_incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="whose key"),
        sa.Column("key_id", sa.Integer(), nullable=False, comment="key"),
        sa.Column("action", sa.Text(), nullable=False, comment=words["action"]),
        sa.Column("kind", sa.Text(), server_default="", nullable=False, comment=words["kind"]),
        sa.Column("hits", sa.Integer(), server_default="0", nullable=False, comment="requests that led to it"),
        sa.Column("window_s", sa.Double(), server_default="0", nullable=False, comment="within so many seconds"),
        sa.Column(
            "samples",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment=words["samples"],
        ),
        sa.Column(
            "receipts_day",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="batches taken from the key in the 24 h before",
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="why it was given free"),
        sa.Column("actor_name", sa.Text(), nullable=False, comment="job or person"),
        sa.Column("at", at, server_default=sa.text("now()"), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_key_incident_enterprise_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_key_incident_key_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_incident")),
        comment="密钥阻断记录 / keys cut off by the portal itself and given free by people; insert only",
    )
    op.create_index(op.f("ix_key_incident_enterprise_id"), "key_incident", ["enterprise_id"], unique=False)
    op.create_index("ix_key_incident_key_id", "key_incident", ["key_id", "id"], unique=False)
