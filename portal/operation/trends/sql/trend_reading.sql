-- The single readings of a point in the order of time with quality and flag, as four strings of big-endian numbers.
-- Parameters: point, begin, end, first_day, last_day (UTC). One row: ms since 1970 (int8), values (float8, NaN for none),
-- qualities (int2), flags (int2); empty without readings. As series_reading of telemetry, which knows no flags.
-- Uses the keys of reading and reading_packed.
select string_agg(int8send(ms), ''), string_agg(float8send(coalesce(value, 'NaN')), ''), string_agg(int2send(quality), ''),
  string_agg(int2send(flag), '')
from (
  select (date_part('epoch', ts) * 1000)::bigint as ms, value, quality, flag from reading_seen
  where point_id = :point and ts >= :begin and ts < :end and day between :first_day and :last_day
  order by ts
) sorted
