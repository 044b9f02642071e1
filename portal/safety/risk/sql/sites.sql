-- Open works sites in the protection or control zone of a pipe, the nearest pipe of each. :all_sites, :enterprises, :districts the
-- caller's scope; :box_deg wider than the widest control zone; :most rows. Relies on: idx_gas_pipe_geom.
select w.id, w.record_no, w.project, w.method, w.status, w.begins_on, w.ends_on, w.plan_signed, w.guarded, w.adcode, w.enterprise_id,
  st_x(w.geom) as lon, st_y(w.geom) as lat, n.*
from works_site w
cross join lateral (
  select * from (
  select p.id as pipe_id, p.src_code as pipe_code, p.pressure_class, r.colour,
    greatest(0, st_distance(w.geom::geography, p.geom::geography) - p.od_mm / 2000) as metres, z.protect_m, z.control_m
  from gas_pipe p
  join risk_segment r on r.pipe_id = p.id
  join (
    select c.pressure_class, protect.value as protect_m, control.value as control_m
    from unnest(array[1, 2, 3, 4, 5, 6, 7], array['high', 'high', 'sub_high', 'sub_high', 'low', 'low', 'low']) as c (pressure_class, zone)
    join parameter protect on protect.key = 'risk.protect.' || c.zone || '_m'
    join parameter control on control.key = 'risk.control.' || c.zone || '_m'
  ) z on z.pressure_class = p.pressure_class
  where p.geom && st_expand(w.geom, :box_deg)
    and st_distance(w.geom::geography, p.geom::geography) - p.od_mm / 2000 <= z.control_m
  ) near order by near.metres > near.protect_m, near.colour, near.metres limit 1
) n
where w.status not in (6, 7) and (:all_sites or w.enterprise_id = any (cast(:enterprises as int[])) or w.adcode = any (cast(:districts as text[])))
order by n.metres > n.protect_m, n.colour, n.metres limit :most
