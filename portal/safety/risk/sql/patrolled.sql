-- 1 patrolled within the cycle of the segment's pressure, 2 overdue; no row where the enterprise files no tracks and none went there.
-- :now, :near_m, :box_deg. Relies on: idx_patrol_track, ix_patrol_object_id.
create temporary table risk_patrolled on commit drop as
with tracked as (
  select distinct enterprise_id from patrol where track is not null and begun_at > cast(:now as timestamptz) - interval '40 days'
), cycle as (
  select unnest(array[1, 2, 3, 4, 5, 6, 7]) as pressure_class, unnest(array[high, high, high, high, medium, medium, low]) as days
  from (select max(value) filter (where key = 'risk.patrol.high_days') as high, max(value) filter (where key = 'risk.patrol.medium_days') as medium,
          max(value) filter (where key = 'risk.patrol.low_days') as low from parameter where key like 'risk.patrol.%_days') figures
), went as (
  select n.pipe_id, p.begun_at from patrol p join risk_now n on p.object_type = 'pipe' and p.object_id = n.pipe_id
  where p.status = 3 and p.kind in (1, 2, 6, 7) and p.begun_at > cast(:now as timestamptz) - interval '400 days'
  union all
  select n.pipe_id, p.begun_at
  from patrol p join gas_pipe g on g.geom && st_expand(p.track, :box_deg) join risk_now n on n.pipe_id = g.id
  where p.status = 3 and p.kind in (1, 2, 6, 7) and p.begun_at > cast(:now as timestamptz) - interval '40 days'
    and st_distance(p.track::geography, g.geom::geography) <= :near_m
)
select n.pipe_id,
  case when l.at > cast(:now as timestamptz) - make_interval(secs => c.days * 86400) then 1 when t.enterprise_id is not null then 2 else 0 end as state
from risk_now n join cycle c using (pressure_class)
left join tracked t on t.enterprise_id = n.enterprise_id
left join (select pipe_id, max(begun_at) as at from went group by 1) l on l.pipe_id = n.pipe_id
where l.at is not null or t.enterprise_id is not null
