-- Stations that store gas, with the people around them at the fullest hour. :srid, :near_m. Relies on: idx_risk_building_geom.
select s.id, s.enterprise_id, s.adcode, s.kind, s.storage_m3, coalesce(s.p_in_mpa, s.p_out_mpa, 0) as pressure_mpa,
  greatest(sum(b.people_day), sum(b.people_evening), sum(b.people_night), 0)::integer as people
from gas_station s
left join risk_building b on st_dwithin(st_transform(s.geom, :srid), b.geom, :near_m)
where s.status in (2, 3, 5) and s.storage_m3 > 0
group by s.id
