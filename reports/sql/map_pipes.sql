-- Mains of one enterprise by pressure class, merged and simplified for a printed map, as GeoJSON.
-- Parameters: enterprise_id, tolerance_deg.
select pressure_class, ST_AsGeoJSON(ST_Simplify(ST_LineMerge(ST_Collect(geom)), :tolerance_deg), 5) as shape
from gas_pipe
where enterprise_id = :enterprise_id and status in (2, 3)
group by pressure_class
order by pressure_class desc
