-- Devices of a station and of the regulating devices inside it. Parameters: station, most, reach_m, reach_deg (at least as far).
-- Rows: device, operations and accident operations counted, the certificate that ends next. Uses ix_device_object.
with wanted as (
  select 'station'::text as object_type, s.id as object_id from gas_station s where s.id = :station
  union all
  select 'regulator', r.id from gas_station s
  join gas_regulator r on r.enterprise_id = s.enterprise_id and r.form = 1 and r.status <> 7
    and r.geom && st_expand(s.geom, :reach_deg) and st_distance(r.geom::geography, s.geom::geography) <= :reach_m
  where s.id = :station
)
select d.id, d.src_code, d.name, d.kind, d.status, d.state, d.maker, d.model, d.installed_on, d.calibration_due_on, d.run_h,
  d.op_count, d.trip_count, coalesce(o.operations, 0) as operations, coalesce(o.accidents, 0) as accidents, c.certificates,
  c.number, c.expires_on
from wanted w
join device d on d.object_type = w.object_type and d.object_id = w.object_id and d.status < 7
left join lateral (
  select sum(x.operations)::bigint as operations, sum(x.accidents)::bigint as accidents from device_day x where x.device_id = d.id
) o on true
left join lateral (
  select count(*) as certificates, (array_agg(x.number order by x.expires_on desc nulls last))[1] as number, max(x.expires_on) as expires_on
  from device_certificate x where x.device_id = d.id
) c on true
order by d.kind, d.id limit :most
