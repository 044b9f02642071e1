-- The packed days of points; arrays in their binary form, which the driver hands on without reading them.
-- Parameters: points (int[]), first_day, last_day (UTC). Uses the key of reading_packed (point_id, day).
select point_id, begin_ms, readings, step_ms, unit_ms, divisor, base, receipt_base, delay_base, quality, flag,
  array_send(at2) as at2, array_send(at4) as at4, array_send(v2) as v2, array_send(v4) as v4, array_send(f4) as f4,
  array_send(f8) as f8, array_send(receipt2) as receipt2, array_send(receipt4) as receipt4, array_send(delay2) as delay2,
  array_send(delay4) as delay4, array_send(qualities) as qualities, array_send(flags) as flags
from reading_packed
where point_id = any(cast(:points as int[])) and day between :first_day and :last_day
order by point_id, day
