-- Daily figures of every point from its hours. Parameters: day, starts_at_h, begin, end. Uses ix_reading_hour_hour.
insert into reading_day (point_id, starts_at_h, day, low, high, mean, last, readings, valid, in_time, in_limits)
select
  point_id, :starts_at_h, :day, min(low), max(high), sum(mean * valid order by hour) / nullif(sum(valid), 0),
  (array_agg(last order by hour desc) filter (where valid > 0))[1],
  sum(readings), sum(valid), sum(in_time), sum(in_limits)
from reading_hour
where hour >= :begin and hour < :end
group by point_id
on conflict (point_id, starts_at_h, day) do update set
  low = excluded.low, high = excluded.high, mean = excluded.mean, last = excluded.last,
  readings = excluded.readings, valid = excluded.valid, in_time = excluded.in_time, in_limits = excluded.in_limits
