-- The points of stations and of the regulating devices inside them, with newest reading and worst open alarm.
-- Parameters: stations (numbers), reach_m, reach_deg (at least as far). Rows by station and point. Uses ix_point_object, the spatial index of gas_regulator, keys of latest.
with wanted as (
  select s.id as station_id, 'station'::text as object_type, s.id as object_id, true as own
  from gas_station s where s.id = any (:stations)
  union all
  select s.id, 'regulator', r.id, false from gas_station s
  join gas_regulator r on r.enterprise_id = s.enterprise_id and r.form = 1 and r.status <> 7
    and r.geom && st_expand(s.geom, :reach_deg) and st_distance(r.geom::geography, s.geom::geography) <= :reach_m
  where s.id = any (:stations)
)
select w.station_id, w.own, p.id, p.src_code, p.name, p.measure, p.unit, p.period_s, p.range_low, p.range_high,
  p.low_low, p.low, p.high, p.high_high, l.ts, l.value, l.quality, l.flag,
  a.level, a.alarm_id, a.alarms, a.unseen
from wanted w
join point p on p.object_type = w.object_type and p.object_id = w.object_id and p.status <> 7
left join latest l on l.point_id = p.id
left join lateral (
  select min(n.level) as level, (array_agg(n.alarm_id order by n.level, n.raised_at desc))[1] as alarm_id, count(*) as alarms,
    bool_or(n.acknowledged_at is null) as unseen
  from alarm_now n where n.point_id = p.id and n.cleared_at is null and not n.historical
) a on true
order by w.station_id, w.own desc, p.measure, p.id
