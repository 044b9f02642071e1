-- The newest value of a point where a revision changed that very reading. Parameters: point, ms, value, quality, flag, received.
update latest l set value = sent.value, quality = sent.quality, flag = sent.flag, received_at = :received
from (
  select point, to_timestamp(ms / 1000.0) as ts, value, quality, flag
  from unnest(cast(:point as int[]), cast(:ms as bigint[]), cast(:value as float8[]), cast(:quality as smallint[]),
    cast(:flag as smallint[])) as t(point, ms, value, quality, flag)
) sent
where l.point_id = sent.point and l.ts = sent.ts
