-- Buildings over the segments at work or in their protection zone, with how far and how long.
insert into risk_overbuild (pipe_id, building_id, enterprise_id, adcode, hard, distance_m, length_m)
select o.pipe_id, b.building_id, n.enterprise_id, n.adcode, d.metres = 0, d.metres,
  case when d.metres = 0 then st_length(st_intersection(n.geom, b.geom)) else 0 end
from (select pipe_id, unnest(over) as building_id from risk_near where over is not null) o
join risk_now n on n.pipe_id = o.pipe_id
join risk_building b on b.building_id = o.building_id
cross join lateral (select greatest(0, st_distance(n.geom, b.geom) - n.od_mm / 2000) as metres) d
