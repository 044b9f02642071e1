-- What a device is called and where it lies: its own place, else that of its first point or of a device behind it.
-- Parameter: device. By primary key and ix_device_gateway.
select d.src_code, d.object_code, d.gateway_id, coalesce(d.adcode, near.adcode) as adcode,
  st_x(coalesce(d.geom, near.geom)) as lon, st_y(coalesce(d.geom, near.geom)) as lat
from device d
left join lateral (
  select p.geom, p.adcode from device_point f join device o on o.id = f.device_id join point p on p.id = f.point_id
  where o.id = d.id or o.gateway_id = d.id order by p.id limit 1) near on true
where d.id = :device
