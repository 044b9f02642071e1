-- Figures of a point from its hours; hours still waiting for their roll-up come from the readings.
-- Parameters: point, begin, end, due (hours), due_begin, due_end, first_day, last_day (UTC days of the due), step (s), range_low, range_high.
-- Rows as of series_reading. Uses the keys of reading_hour, reading and reading_packed.
with hours as (
  select hour, low, high, mean, last, readings, valid from reading_hour
  where point_id = :point and hour >= :begin and hour < :end and hour <> all (cast(:due as timestamptz[]))
  union all
  select hour, min(value) filter (where ok), max(value) filter (where ok), avg(value) filter (where ok),
    (max(array[date_part('epoch', ts), value]) filter (where ok))[2], count(*), count(*) filter (where ok)
  from (
    select date_trunc('hour', ts) as hour, ts, value,
      value is not null and quality in (192, 216) and value >= :range_low and value <= :range_high as ok
    from reading_seen
    where point_id = :point and ts >= :due_begin and ts < :due_end and day between :first_day and :last_day
  ) judged where hour = any (cast(:due as timestamptz[])) group by hour
)
select floor(date_part('epoch', hour) / :step) * :step as bucket, min(low) as low, max(high) as high,
  sum(mean * valid) / nullif(sum(valid), 0) as mean,
  (array_agg(last order by hour desc) filter (where valid > 0))[1] as last, sum(readings)::bigint as readings, sum(valid)::bigint as valid
from hours group by 1 order by 1
