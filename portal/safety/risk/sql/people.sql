-- People in buildings by hour, outlines in metres.
-- :srid metric system; :whole or the buildings touching the places of the temporary table risk_moved (geom in 4490).
-- Floor area by footprint and storeys; homes with gas users count their households instead.
-- In the order of the geometries, so that neighbours lie on the same pages.
-- Relies on: idx_base_building_geom, idx_gas_user_geom, ix_gas_user_m.
with figure as (
  select split_part(key, '.', 3) as kind,
    max(value) filter (where key like '%.storey_m') as storey_m, max(value) filter (where key like '%.m2') as m2,
    max(value) filter (where key like '%.day') as day, max(value) filter (where key like '%.evening') as evening,
    max(value) filter (where key like '%.night') as night
  from parameter where key like 'risk.people.%.%' group by 1
), chosen as materialized (
  select b.id, coalesce(b.kind, 'other') as kind, b.height_m, b.geom, st_transform(b.geom, :srid) as metres
  from base_building b
  where :whole or exists (select 1 from risk_moved m where m.geom && b.geom and st_intersects(m.geom, b.geom))
), stack as materialized (
  select st_setsrid(st_makepoint(st_x(min(u.geom)), st_y(min(u.geom))), 4490) as place, sum(u.households)::integer as households
  from gas_user u where u.status not in (3, 4) and :whole group by u.m
  union all
  select u.geom, u.households from gas_user u
  where not :whole and u.status not in (3, 4) and u.id in (select i.id from chosen c join gas_user i on i.geom && c.geom)
), home as (
  select b.id, sum(s.households)::integer as households
  from stack s join base_building b on b.geom && s.place and st_intersects(b.geom, s.place)
  group by b.id
), full_house as (
  select c.id, c.kind, c.metres, coalesce(h.households, 0) as households, f.day, f.evening, f.night,
    greatest(1, round(c.height_m / f.storey_m))::smallint as storeys,
    case when c.kind = 'residential' and h.households is not null
      then h.households * (select value from parameter where key = 'risk.people.per_household')
      else st_area(c.metres) * greatest(1, round(c.height_m / f.storey_m)) / f.m2 end as people
  from chosen c join figure f on f.kind = case when exists (select 1 from figure k where k.kind = c.kind) then c.kind else 'other' end
    left join home h on h.id = c.id
)
insert into risk_building as old (building_id, sensitive, storeys, households, people_day, people_evening, people_night, geom)
select id, (kind in ('school', 'hospital'))::integer, storeys, households, round(people * day), round(people * evening),
  round(people * night), metres
from full_house order by metres
on conflict (building_id) do update set sensitive = excluded.sensitive, storeys = excluded.storeys, households = excluded.households,
  people_day = excluded.people_day, people_evening = excluded.people_evening, people_night = excluded.people_night, geom = excluded.geom
where (old.sensitive, old.storeys, old.households, old.people_day, old.people_evening, old.people_night)
    is distinct from (excluded.sensitive, excluded.storeys, excluded.households, excluded.people_day, excluded.people_evening, excluded.people_night)
  or not old.geom ~= excluded.geom
