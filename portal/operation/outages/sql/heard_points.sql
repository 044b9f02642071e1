-- Points in service that were ever heard, of working enterprises; a point whose device is not in use is left out.
-- No parameters. Reads point, latest, device_point and device once.
select p.id, p.enterprise_id, p.period_s, l.ts, l.received_at, l.flag, d.id as device_id, d.gateway_id, d.power,
  d.heartbeat_s, s.id is not null as at_gate
from point p
join enterprise e on e.id = p.enterprise_id and e.status = 1
join latest l on l.point_id = p.id
left join device_point f on f.point_id = p.id
left join device d on d.id = f.device_id
left join gas_station s on p.object_type = 'station' and s.id = p.object_id and s.kind = 2
where p.status in (2, 3) and (d.id is null or d.status in (2, 3))
order by p.enterprise_id, p.id
