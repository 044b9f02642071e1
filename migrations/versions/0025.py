"""Newest values of a burst of batches are folded together: a row a point each half second, not each batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ARRAYS = ("ms", "value", "point_id", "quality", "flag", "hours")
WAS = "note_readings(int, timestamptz, bigint[], float8[], int[], smallint[], smallint[], timestamptz[])"
NOTE = "note_readings(int, timestamptz, bigint[], float8[], int[], smallint[], smallint[], timestamptz[], text)"
# Arrays of a thousand numbers: compressing what lives half a second costs more than it saves.
PLAIN = "; ".join(f"alter table latest_due alter column {name} set storage external" for name in ARRAYS)
RIGHTS = f"""
alter table latest_due enable row level security;
create policy in_scope on latest_due using (
  (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))
  with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]));
{PLAIN};
revoke all on latest_due from ranjian_app, ranjian_worker;
grant select on latest_due to ranjian_worker;
drop function {WAS}
"""
FUNCTIONS = (
    """
create function guard.fold_latest(e int, received timestamptz, own_ms bigint[], own_value float8[], own_point int[],
  own_quality smallint[], own_flag smallint[], own_hours timestamptz[])
returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  with due as (delete from latest_due d where d.enterprise_id = e returning d.*),
  sent as (
    select n.*, received as received_at, 9223372036854775807 as place
    from unnest(own_ms, own_value, own_point, own_quality, own_flag) as n(ms, value, point, quality, flag)
    union all
    select n.*, d.received_at, d.id from due d
    cross join lateral unnest(d.ms, d.value, d.point_id, d.quality, d.flag) as n(ms, value, point, quality, flag)),
  newest as (select distinct on (point) * from sent order by point, ms desc, place desc),
  rolled as (
    insert into rollup_due (hour)
      select h from (select unnest(own_hours) as h union select unnest(d.hours) from due d) as hours order by h
      on conflict (hour) do update set since = clock_timestamp())
  insert into latest as old (ts, value, point_id, quality, flag, received_at)
    select to_timestamp(n.ms / 1000.0::float8), n.value, n.point, n.quality, n.flag, n.received_at
    from newest n join point p on p.id = n.point and p.enterprise_id = e
    on conflict (point_id) do update set ts = excluded.ts, value = excluded.value, quality = excluded.quality,
      flag = excluded.flag, received_at = excluded.received_at
    where old.ts < excluded.ts;
end $$
""",
    """
create function fold_latest() returns int language plpgsql security definer
set search_path = pg_catalog, public as $$
declare own int; folded int := 0;
begin
  for own in select distinct d.enterprise_id from latest_due d order by 1 loop
    -- Who is folding now takes these rows, or the next call does.
    if (public.scope_all() or own = any (public.scope_enterprises())) and pg_try_advisory_xact_lock(7302, own) then
      perform guard.fold_latest(own, null, '{}', '{}', '{}', '{}', '{}', '{}');
      folded := folded + 1;
    end if;
  end loop;
  return folded;
end $$
""",
    """
create function note_readings(e int, received timestamptz, ms bigint[], value float8[], point int[],
  quality smallint[], flag smallint[], hours timestamptz[], fold text)
returns table (remembered int[], waits boolean) language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
  waits := fold = 'later';
  -- One writer an enterprise, so that rows never wait crosswise.
  if fold = 'now' then
    perform pg_advisory_xact_lock(7302, e);
  elsif fold = 'soon' then
    waits := not pg_try_advisory_xact_lock(7302, e);
  end if;
  if waits then
    -- Packing and retiring go by what is due: only hours of now may wait.
    insert into rollup_due (hour) select h from unnest(hours) h where h < received - interval '2 hours' order by 1
      on conflict (hour) do update set since = clock_timestamp();
    insert into latest_due (enterprise_id, received_at, ms, value, point_id, quality, flag, hours)
      values (e, received, ms, value, point, quality, flag,
        array(select h from unnest(hours) h where h >= received - interval '2 hours'));
  else
    perform guard.fold_latest(e, received, ms, value, point, quality, flag, hours);
  end if;
  remembered := array(
    select w.point_id from limit_watch w join point p on p.id = w.point_id where p.enterprise_id = e);
  return next;
end $$
""",
)
WORDS = {
    NOTE: "renews the newest values and asks for roll-ups, now or with the next fold; gives the remembered points",
    "fold_latest()": "renews the newest values that wait, enterprise by enterprise; returns of how many",
}


def upgrade() -> None:
    """Apply."""
    arrays = {"ms": sa.BigInteger, "value": sa.Double, "point_id": sa.Integer, "quality": sa.SmallInteger}
    words = {
        "ms": "source times, ms since 1970",
        "value": "values in each point's unit",
        "point_id": "point.id of each",
        "quality": "code quality of each",
    }
    op.create_table(
        "latest_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="order of arrival"),
        sa.Column("enterprise_id", sa.Integer(), nullable=False, comment="whose points"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, comment="when the batch came in"),
        *(sa.Column(name, sa.ARRAY(kind()), nullable=False, comment=words[name]) for name, kind in arrays.items()),
        sa.Column("flag", sa.ARRAY(sa.SmallInteger()), nullable=False, comment="code reading_flag of each"),
        sa.Column(
            "hours", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False, comment="hours whose roll-up falls due"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_latest_due")),
        comment="最新值待合并 / newest readings of batches not yet folded into latest",
    )
    run = op.get_bind().exec_driver_sql
    run(RIGHTS.replace("%", "%%"))
    for function in FUNCTIONS:
        run(function.replace("%", "%%"))
    run("revoke all on function guard.fold_latest(int, timestamptz, bigint[], float8[], int[], smallint[], smallint[], timestamptz[]) from public")
    for signature, said in WORDS.items():
        run(f"revoke all on function {signature} from public")
        run(f"grant execute on function {signature} to ranjian_worker")
        run(f"comment on function {signature} is '{said}'")
