-- People in the impact radius of each segment, and buildings in the protection zone. Relies on: idx_risk_building_geom.
create temporary table risk_near on commit drop as
select n.pipe_id, count(*)::integer as buildings_n, sum(b.people_day)::integer as people_day,
  sum(b.people_evening)::integer as people_evening, sum(b.people_night)::integer as people_night,
  sum(b.sensitive)::integer as sensitive_n,
  array_agg(b.building_id) filter (where n.pressure_class <= 6 and b.geom && n.protect_box and st_dwithin(n.geom, b.geom, n.protect_m)) as over
from risk_now n join risk_building b on st_dwithin(n.geom, b.geom, greatest(n.radius_m, n.protect_m))
group by n.pipe_id
