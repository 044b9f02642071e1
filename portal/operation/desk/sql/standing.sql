-- Standing alarms of one enterprise as grouping sees them.
-- silent_root_id is the alarm of the widest open outage (gateway or enterprise link) around an alarm of silence.
-- Parameter: :enterprise.
select n.alarm_id, n.kind, n.level, n.raised_at, n.object_code, n.root_id,
       st_x(a.geom) as lon, st_y(a.geom) as lat, around.alarm_id as silent_root_id
from alarm_now n
join alarm a on a.id = n.alarm_id
left join lateral (
    select o.alarm_id
    from outage o
    left join device_point f on f.point_id = n.point_id
    left join device d on d.id = f.device_id
    left join outage own on own.alarm_id = n.alarm_id
    where n.kind in (20, 21)
      and o.enterprise_id = n.enterprise_id and o.ended_at is null and o.alarm_id is not null and o.alarm_id <> n.alarm_id
      and o.level > coalesce(own.level, 0)
      and (o.level = 4 or (o.level = 3 and o.device_id in (d.gateway_id, d.id)) or (o.level = 2 and o.device_id = d.id))
    order by o.level desc, o.id
    limit 1
) around on true
where n.enterprise_id = :enterprise
  and (n.cleared_at is null or n.acknowledged_at is null or n.latched) and not n.historical
  and (n.hold is null or n.hold = 2)
order by n.raised_at, n.alarm_id
limit 2000
