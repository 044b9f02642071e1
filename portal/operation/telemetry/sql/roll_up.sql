-- Hourly figures of whole hours. Parameters: begin, end, first_day, last_day (UTC days), whole.
-- Of a packed day only the points are made again to which late readings came, unless `whole` is true.
-- Ordered sums: the same readings give the very same mean whatever order they came in. Uses ix_reading_ts for the hour and the primary key of reading_packed.
insert into reading_hour (point_id, hour, low, high, mean, last, readings, valid, in_time, in_limits)
select
  point_id, hour,
  min(value) filter (where ok),
  max(value) filter (where ok),
  avg(value order by ts) filter (where ok),
  (max(array[extract(epoch from ts)::float8, value]) filter (where ok))[2],
  count(*),
  count(*) filter (where ok),
  count(*) filter (where delay_s <= greatest(300, 2 * period_s)),
  count(*) filter (where ok and value >= coalesce(low, '-infinity') and value <= coalesce(high, 'infinity'))
from (
  select r.point_id, date_trunc('hour', r.ts) as hour, r.ts, r.value, r.delay_s, p.period_s, p.low, p.high,
    r.value is not null and r.quality in (192, 216)
      and r.value >= coalesce(p.range_low, '-infinity') and r.value <= coalesce(p.range_high, 'infinity') as ok
  from (
    select ts, value, point_id, quality, delay_s from reading where ts >= :begin and ts < :end
    union all
    select ts, value, point_id, quality, delay_s from reading_unpacked
    where ts >= :begin and ts < :end and day between :first_day and :last_day
      and (:whole or point_id in (select point_id from reading where ts >= :begin and ts < :end))
  ) r join point p on p.id = r.point_id
) judged
group by point_id, hour
on conflict (point_id, hour) do update set
  low = excluded.low, high = excluded.high, mean = excluded.mean, last = excluded.last,
  readings = excluded.readings, valid = excluded.valid, in_time = excluded.in_time, in_limits = excluded.in_limits
