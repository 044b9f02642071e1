"""Fresh statistics after a bulk load, by the worker role."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FUNCTION = """
create function refresh_statistics() returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
declare t text;
begin
  foreach t in array array['base_district','base_road','base_water','base_green','base_building','gas_node',
      'gas_pipe','gas_valve','gas_regulator','gas_station','gas_user','point','latest','alarm','alarm_now'] loop
    execute format('analyze public.%I', t);
  end loop;
end $$;
revoke all on function refresh_statistics() from public;
grant execute on function refresh_statistics() to ranjian_worker;
comment on function refresh_statistics() is 'analyzes the tables of a bulk load';
"""


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(FUNCTION.replace("%", "%%"))
