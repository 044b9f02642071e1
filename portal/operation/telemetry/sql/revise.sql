-- Revised values in the place of the former ones. Parameters: point, ms, value, quality, flag, delay of one length, begin, end, receipt.
update reading r set value = sent.value, quality = sent.quality, flag = sent.flag, delay_s = sent.delay, receipt_id = :receipt
from (
  select point, to_timestamp(ms / 1000.0) as ts, value, quality, flag, delay
  from unnest(cast(:point as int[]), cast(:ms as bigint[]), cast(:value as float8[]), cast(:quality as smallint[]),
    cast(:flag as smallint[]), cast(:delay as int[])) as t(point, ms, value, quality, flag, delay)
) sent
where r.point_id = sent.point and r.ts = sent.ts and r.ts between :begin and :end
