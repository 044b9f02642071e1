"""Who sees and writes what enterprises file and how well; a record that went back to a former state is owed again."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ONCE = "uq_upward_item_superior_id_dataset_object_key_content_sm3"
FILED = (
    "enterprise_profile, enterprise_certificate, enterprise_person, monthly_report, hidden_danger, works_site, "
    "works_operation, patrol, household_check, incident, drill, emergency_plan, emergency_supply, emergency_team"
)
# What lies in no one district is seen by the regulators of every district the enterprise serves.
SERVED = (
    "enterprise_profile", "enterprise_certificate", "enterprise_person",
    "enterprise_profile_history", "enterprise_certificate_history", "enterprise_person_history",
    "feed_state", "feed_silence", "feed_hour", "quality_result", "quality_score", "quality_finding", "quality_step",
    "reconciliation_claim",
)  # fmt: skip
# Of another district's application of the same enterprise a regulator sees nothing.
APPLICATIONS = """
do $$
declare t text; may constant text := '(select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[])'
  ' or onboarding_id in (select o.id from onboarding o)';
begin
  foreach t in array array['onboarding_step', 'onboarding_document'] loop
    execute format('drop policy in_scope on %I', t);
    execute format('create policy in_scope on %I using (%s) with check (%s)', t, may, may);
  end loop;
end $$;
create or replace trigger never_truncate before truncate on raw_message for each statement execute function refuse_change();
alter table raw_message enable always trigger never_truncate;
"""


def upgrade() -> None:
    """Apply."""
    for table in SERVED:
        op.execute(f"drop policy if exists served_in_district on {table}")
        op.execute(
            f"create policy served_in_district on {table} for select using "
            "(enterprise_id = any ((select scope_served_enterprises())::int[]))"
        )
    op.get_bind().exec_driver_sql(APPLICATIONS.replace("%", "%%"))
    op.drop_constraint(ONCE, "upward_item", type_="unique")
    op.create_index(
        "ix_upward_item_newest", "upward_item", ["superior_id", "dataset", "object_key", "id"], unique=False
    )
    op.execute(f"revoke insert, update on {FILED} from ranjian_app")
    op.execute("revoke all on function scope_served_enterprises() from public")
    op.execute("grant execute on function scope_served_enterprises() to ranjian_app, ranjian_worker")
