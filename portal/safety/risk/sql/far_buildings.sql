-- Households and storeys around high and sub-high pressure segments. :reach_m buffer. Relies on: idx_risk_building_geom.
create temporary table risk_far on commit drop as
select n.pipe_id, sum(b.households)::integer as households, sum(b.sensitive)::integer as sensitive_n,
  count(*) filter (where b.storeys >= 4)::integer as tall_n, count(*)::integer as buildings_n
from risk_now n join risk_building b on st_dwithin(n.geom, b.geom, :reach_m)
where n.pressure_class <= 4
group by n.pipe_id
