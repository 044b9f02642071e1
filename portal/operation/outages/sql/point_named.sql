-- What a point is called and where it lies in the tree. Parameter: point. By primary key.
select p.src_code, p.adcode, p.object_code, st_x(p.geom) as lon, st_y(p.geom) as lat, d.id as device_id, d.gateway_id
from point p left join device_point f on f.point_id = p.id left join device d on d.id = f.device_id
where p.id = :point
