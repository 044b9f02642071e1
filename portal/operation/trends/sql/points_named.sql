-- Points with the object they stand at. Parameters: points (numbers, in the order wanted).
-- Rows: what a legend shows. Uses primary keys; the row policies keep to the scope.
select p.id, p.name, p.src_code, p.measure, p.unit, p.period_s, p.range_low, p.range_high, p.object_type, p.object_id, p.object_code,
  coalesce(s.name, r.name, p.object_code) as object_name, e.short_name as enterprise
from unnest(cast(:points as int[])) with ordinality wanted(id, place)
join point p on p.id = wanted.id
join enterprise e on e.id = p.enterprise_id
left join gas_station s on p.object_type = 'station' and s.id = p.object_id
left join gas_regulator r on p.object_type = 'regulator' and r.id = p.object_id
order by wanted.place
