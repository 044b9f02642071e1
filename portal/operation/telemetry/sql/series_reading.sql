-- The single readings of a point as arrays in the order of time. Parameters: point, begin, end, first_day, last_day (UTC).
-- One row: ms since 1970, values, qualities; empty without readings. Uses the keys of reading and reading_packed.
-- Rows would cost the driver more than the query, and buckets are cheaper made from arrays.
select array_agg(ms), array_agg(value), array_agg(quality)
from (
  select (date_part('epoch', ts) * 1000)::bigint as ms, value, quality from reading_seen
  where point_id = :point and ts >= :begin and ts < :end and day between :first_day and :last_day
  order by ts
) sorted
