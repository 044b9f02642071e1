-- When points were silent as a part of a wider outage: of their device or gateway, or of the whole enterprise.
-- Parameters: points (int[]), begin, end. Columns: point_id, begin and end in ms since 1970 (far future while it lasts).
select p.id, (date_part('epoch', o.began_at) * 1000)::bigint,
  (date_part('epoch', coalesce(o.ended_at, timestamptz '3000-01-01')) * 1000)::bigint
from point p
left join device_point d on d.point_id = p.id
left join device v on v.id = d.device_id
join outage o on o.enterprise_id = p.enterprise_id and o.point_id is null
  and (o.subject_id = 0 or o.device_id = d.device_id or o.device_id = v.gateway_id)
where p.id = any(cast(:points as int[])) and o.began_at < :end and coalesce(o.ended_at, timestamptz '3000-01-01') > :begin
  and o.skew_s is null
