"""Two intake transactions may ask for the same new day at once."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# After waiting for the lock this session may still not have heard of the table the other one made.
FUNCTION = """
create or replace function ensure_reading_day(d date) returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
declare part text := 'reading_' || to_char(d, 'YYYYMMDD');
begin
  if to_regclass('public.' || part) is not null then return; end if;
  perform pg_advisory_xact_lock(727001, d - date '2000-01-01');
  begin
    execute format('create table public.%I (like public.reading including defaults including comments)', part);
    execute format('alter table public.reading attach partition public.%I for values from (%L) to (%L)',
                   part, d::timestamp at time zone 'UTC', (d + 1)::timestamp at time zone 'UTC');
    execute format('comment on table public.%I is %L', part, 'readings of ' || d);
  exception when duplicate_table then null;
  end;
end $$;
"""


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(FUNCTION.replace("%", "%%"))
