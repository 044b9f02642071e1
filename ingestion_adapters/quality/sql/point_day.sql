-- Each point's figures of a part of a city day. Parameters: begin, upto, before (begin less a year).
-- Rows: point with its enterprise and what its hours say; first_at is its first hour ever. Uses the key of reading_hour.
select p.enterprise_id, p.id, p.src_code, p.name, p.measure, p.unit, p.period_s, p.object_type, p.object_id, p.valid_from,
  coalesce(d.readings, 0) as readings, coalesce(d.valid, 0) as valid, coalesce(d.in_time, 0) as in_time, d.mean, coalesce(d.hours, 0) as hours,
  (select h.hour from reading_hour h where h.point_id = p.id order by h.hour limit 1) as first_at
from point p
left join (
  select point_id, sum(readings) as readings, sum(valid) as valid, sum(in_time) as in_time,
    sum(mean * valid) / nullif(sum(valid), 0) as mean, count(*) as hours
  from reading_hour where hour >= :begin and hour < :upto group by point_id
) d on d.point_id = p.id
where p.status in (2, 3)
order by p.id
