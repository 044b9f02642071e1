-- The single readings of points in a span as strings of big-endian numbers, one row a point with readings.
-- Parameters: points (int[]), begin, end. Columns: point_id, ms, vals, qualities, flags, receipts, delays.
-- Uses the key of reading (point_id, ts).
select p.point_id, string_agg(int8send((date_part('epoch', r.ts) * 1000)::bigint), '' order by r.ts) as ms,
  string_agg(float8send(coalesce(r.value, 'NaN')), '' order by r.ts) as vals,
  string_agg(int2send(r.quality), '' order by r.ts) as qualities,
  string_agg(int2send(r.flag), '' order by r.ts) as flags,
  string_agg(int4send(r.receipt_id), '' order by r.ts) as receipts,
  string_agg(int4send(r.delay_s), '' order by r.ts) as delays
from unnest(cast(:points as int[])) as p(point_id)
join reading r on r.point_id = p.point_id and r.ts >= :begin and r.ts < :end
group by p.point_id
