-- Changes between open and closed of each device that feeds a valve position, on one day of the city; those within ten
-- minutes of a pressure, concentration or valve alarm of the same object are accident operations.
-- Parameters: day, begin, end. Reads reading_all by point and day, alarm by ix_alarm_enterprise_raised.
insert into device_day as old (device_id, day, enterprise_id, adcode, operations, accidents)
select d.id, :day, d.enterprise_id, d.adcode, count(*),
  count(*) filter (where exists (
    select from alarm a where a.enterprise_id = d.enterprise_id and a.object_code = moved.object_code
      and a.kind in (11, 12, 16, 18) and a.raised_at between moved.ts - interval '10 minutes' and moved.ts + interval '10 minutes'))
from (
  select seen.*, lag(seen.position) over (partition by seen.point_id order by seen.ts) as before
  from (
    select r.point_id, f.device_id, p.object_code, r.ts,
      case when p.unit = '%' then (r.value >= 50)::int else r.value::int end as position
    from device_point f
    join point p on p.id = f.point_id and p.measure = 6
    cross join lateral (
      select r.point_id, r.ts, r.value from reading_all r where r.point_id = p.id
        and r.ts >= cast(:begin as timestamptz) - interval '1 hour' and r.ts < :end
        and r.day between ((cast(:begin as timestamptz) - interval '1 hour') at time zone 'UTC')::date
          and (cast(:end as timestamptz) at time zone 'UTC')::date
        and r.quality in (192, 216) and (p.unit = '%' or r.value in (0, 1))) r
  ) seen
) moved
join device d on d.id = moved.device_id
where moved.before is distinct from moved.position and moved.before is not null and moved.ts >= :begin
group by d.id
on conflict (device_id, day) do update set operations = excluded.operations, accidents = excluded.accidents
  where (old.operations, old.accidents) <> (excluded.operations, excluded.accidents)
