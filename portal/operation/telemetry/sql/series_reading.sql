-- The single readings of a point in the order of time, as three strings of big-endian numbers.
-- Parameters: point, begin, end, first_day, last_day (UTC). One row: µs since 2000 as the server keeps them (int8), values (float8, NaN for none),
-- qualities (int2); empty without readings. Rows or arrays of text would cost the driver more than the query takes.
-- Uses the keys of reading and reading_packed.
select string_agg(timestamptz_send(ts), ''), string_agg(float8send(coalesce(value, 'NaN')), ''), string_agg(int2send(quality), '')
from (
  select ts, value, quality from reading_seen
  where point_id = :point and ts >= :begin and ts < :end and day between :first_day and :last_day
  order by ts
) sorted
