-- Points a device feeds, or that the devices behind a gateway feed. Parameters: device, most. By ix_device_point_device_id.
select p.id, p.src_code, p.name, p.measure, p.unit, p.period_s, l.ts, l.value
from device_point f
join device d on d.id = f.device_id and (d.id = :device or d.gateway_id = :device)
join point p on p.id = f.point_id
left join latest l on l.point_id = p.id
order by p.src_code limit :most
