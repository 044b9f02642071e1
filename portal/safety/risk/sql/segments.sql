-- The segments at work, with their line in metres, zones and what the enterprise filed of them.
-- :srid metric system, :today the day ages are counted to. Reads the temporary table risk_reach.
create temporary table risk_now on commit drop as
select p.id as pipe_id, p.enterprise_id, p.adcode, p.length_m, p.pressure_class, p.material, p.od_mm,
  coalesce(p.cp_kind, -1)::integer as cp_kind, coalesce(p.laying, -1)::integer as laying, coalesce(p.joint, -1)::integer as joint,
  greatest(coalesce(extract(year from cast(:today as date))::integer - coalesce(p.install_year, extract(year from p.commissioned_on)::integer), -1), -1)
    as age_years,
  r.pressure_kpa, r.heat_radius_m, r.radius_m, g.geom, p.geom as degrees,
  p.od_mm / 2000 + z.protect_m as protect_m, p.od_mm / 2000 + z.control_m as control_m,
  st_expand(g.geom, p.od_mm / 2000 + z.protect_m) as protect_box
from risk_reach r
join gas_pipe p on p.id = r.pipe_id
join (
  select c.pressure_class, protect.value as protect_m, control.value as control_m
  from unnest(array[1, 2, 3, 4, 5, 6, 7], array['high', 'high', 'sub_high', 'sub_high', 'low', 'low', 'low']) as c (pressure_class, zone)
  join parameter protect on protect.key = 'risk.protect.' || c.zone || '_m'
  join parameter control on control.key = 'risk.control.' || c.zone || '_m'
) z on z.pressure_class = p.pressure_class
cross join lateral (select st_transform(p.geom, :srid) as geom) g
