"""Trust: SM2 keys, queued reports, on-site findings, and what a regulator of a district sees of enterprises."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# A district's regulator answers for everybody who is served there: an enterprise with a station, a main
# or a user in the district. Asked of the network itself, so that nothing has to be kept in step.
GUARDS = """
create function scope_served_enterprises() returns int[] language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare wanted text[] := scope_districts();
begin
  if cardinality(wanted) = 0 then return '{}'::int[]; end if;
  return coalesce((select array_agg(e.id) from enterprise e where
       exists (select from gas_station o where o.enterprise_id = e.id and o.adcode = any (wanted) and o.status not in (6, 7))
    or exists (select from gas_pipe o where o.enterprise_id = e.id and o.adcode = any (wanted) and o.status not in (6, 7))
    or exists (select from gas_user o where o.enterprise_id = e.id and o.adcode = any (wanted) and o.status not in (6, 7))
  ), '{}'::int[]);
end $$;
comment on function scope_served_enterprises() is
  'enterprises with a station, main or user in a district of this transaction''s valid scope';

do $$
declare t text;
begin
  foreach t in array array['report_order','site_finding','site_evidence'] loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy in_scope on %I using (
      (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))
      with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))$p$, t);
    execute format('grant select, insert on %I to ranjian_app, ranjian_worker', t);
    execute format('revoke update, delete, truncate on %I from ranjian_app, ranjian_worker', t);
  end loop;
  foreach t in array array['daily_supply','receipt','rejection','intake_hour','report','site_finding','site_evidence'] loop
    execute format($p$create policy served_in_district on %I for select using (
      enterprise_id = any ((select scope_served_enterprises())::int[]))$p$, t);
  end loop;
  foreach t in array array['site_finding','site_evidence'] loop
    execute format('create trigger append_only before update or delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger never_truncate before truncate on %I for each statement execute function refuse_change()', t);
    execute format('alter table %I enable always trigger append_only', t);
    execute format('alter table %I enable always trigger never_truncate', t);
  end loop;
end $$;
grant update on report_order to ranjian_worker;
"""


def upgrade() -> None:
    """Apply."""
    _tables()
    _keys_and_indexes()
    op.get_bind().exec_driver_sql(GUARDS.replace("%", "%%"))


def _tables() -> None:
    op.create_table(
        "site_evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="enterprise concerned"),
        sa.Column("name", sa.Text(), nullable=False, comment="file name as given"),
        sa.Column(
            "media_type",
            sa.Text(),
            nullable=False,
            comment="image/jpeg, image/png or application/pdf, told from the content",
        ),
        sa.Column("sm3", sa.Text(), nullable=False, comment="SM3 of the content, hex"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the file"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="handed in",
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_site_evidence_enterprise_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_evidence")),
        comment="现场核实证据 / files that prove on-site findings; insert only",
    )
    op.create_index(op.f("ix_site_evidence_enterprise_id"), "site_evidence", ["enterprise_id"], unique=False)
    op.create_table(
        "report_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("kind", sa.Text(), nullable=False, comment="evaluation …"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="enterprise to judge"),
        sa.Column("period", sa.Date(), nullable=False, comment="first day of the month"),
        sa.Column("language", sa.Text(), server_default="zh_CN", nullable=False, comment="language of the text"),
        sa.Column(
            "state", sa.Text(), server_default="waiting", nullable=False, comment="waiting, making, done, failed"
        ),
        sa.Column(
            "step",
            sa.Text(),
            server_default="waiting",
            nullable=False,
            comment="what is being done: waiting, figures, map, pages, archive, done",
        ),
        sa.Column("percent", sa.SmallInteger(), server_default="0", nullable=False, comment="progress, percent"),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False, comment="how often it was begun"),
        sa.Column("error", sa.Text(), nullable=True, comment="code of why it failed"),
        sa.Column("report_id", sa.BigInteger(), nullable=True, comment="the finished report"),
        sa.Column("user_id", sa.Integer(), nullable=True, comment="who ordered"),
        sa.Column(
            "ordered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="ordered"
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="last begun"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="done or failed"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_report_order_enterprise_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_report_order_report_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_report_order_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_order")),
        comment="报告任务 / reports being made, with progress and result",
    )
    op.create_index(op.f("ix_report_order_enterprise_id"), "report_order", ["enterprise_id"], unique=False)
    op.create_index(
        "ix_report_order_open",
        "report_order",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state in ('waiting', 'making')"),
    )
    op.create_table(
        "site_finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row number"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="enterprise judged"),
        sa.Column("period_from", sa.Date(), nullable=False, comment="first day of the month judged"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2 … for the same enterprise and month"),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2 … of the same finding; the newest holds"),
        sa.Column(
            "method",
            sa.Text(),
            nullable=False,
            comment="source mark: site, measurement, questionnaire, interview, document",
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="what was looked at or asked"),
        sa.Column(
            "object_code", sa.Text(), nullable=True, comment="point or object concerned, the enterprise's own code"
        ),
        sa.Column("indicator", sa.Text(), nullable=True, comment="indicator the field value belongs to, such as S5"),
        sa.Column("system_value", sa.Double(), nullable=True, comment="value the system shows, in `unit`"),
        sa.Column("field_value", sa.Double(), nullable=True, comment="value found, in `unit`"),
        sa.Column("unit", sa.Text(), nullable=True, comment="unit of both values"),
        sa.Column(
            "counts",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="whether the field value stands for the indicator in the score",
        ),
        sa.Column(
            "result",
            sa.Text(),
            nullable=False,
            comment="what was found; with `counts` also why this value is the right one",
        ),
        sa.Column("verdict", sa.Text(), nullable=False, comment="agrees, differs, defect"),
        sa.Column("found_by", sa.Text(), nullable=False, comment="who found it, names"),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, comment="when it was found"),
        sa.Column("place", sa.Text(), nullable=False, comment="where"),
        sa.Column("evidence_id", sa.BigInteger(), nullable=True, comment="the proof"),
        sa.Column(
            "withdrawn",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="whether this version takes the finding back",
        ),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="why this version replaces the one before; empty in the first"
        ),
        sa.Column("user_id", sa.Integer(), nullable=True, comment="who entered it"),
        sa.Column("entered_by", sa.Text(), nullable=False, comment="name of who entered it"),
        sa.Column(
            "entered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="entered"
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_site_finding_enterprise_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["site_evidence.id"], name=op.f("fk_site_finding_evidence_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_site_finding_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_finding")),
        sa.UniqueConstraint(
            "enterprise_id",
            "period_from",
            "number",
            "version",
            name=op.f("uq_site_finding_enterprise_id_period_from_number_version"),
        ),
        comment="现场核实与线下采集 / on-site findings and other offline input of evaluations; insert only, versions",
    )


def _keys_and_indexes() -> None:
    op.add_column(
        "api_key",
        sa.Column(
            "algorithm", sa.Text(), server_default="HMAC-SM3", nullable=False, comment="X-Sign-Alg: HMAC-SM3 or SM2-SM3"
        ),
    )
    op.add_column(
        "api_key",
        sa.Column(
            "public_key",
            sa.Text(),
            nullable=True,
            comment="SM2 public key 04||x||y in hex, to be shown; empty for HMAC-SM3",
        ),
    )
    op.alter_column(
        "api_key",
        "key_sealed",
        existing_type=sa.TEXT(),
        comment="secret or public key, SM4-GCM under the portal's seal key, bound to app id and algorithm",
        existing_comment="key, SM4-GCM under the portal's seal key",
        existing_nullable=False,
    )
    op.create_unique_constraint(op.f("uq_api_key_public_key"), "api_key", ["public_key"])
    op.create_table_comment(
        "api_key",
        "keys of enterprises' programs; two of each algorithm may be valid at once for rotation",
        existing_comment="keys of enterprises' programs; two may be valid at once for rotation",
        schema=None,
    )
    op.create_index("ix_gas_pipe_enterprise_id_adcode", "gas_pipe", ["enterprise_id", "adcode"], unique=False)
    op.create_index("ix_gas_user_enterprise_id_adcode", "gas_user", ["enterprise_id", "adcode"], unique=False)
    op.create_check_constraint(
        "algorithm",
        "api_key",
        "algorithm = 'HMAC-SM3' and public_key is null or algorithm = 'SM2-SM3' and public_key is not null",
    )
