-- Hourly lowest and highest values of points. Parameters: begin, end, measures. Rows: point and its arrays, by hour; null where an hour is missing.
select g.point_id, array_agg(h.low order by g.hour) as low, array_agg(h.high order by g.hour) as high,
  (max(h.high) - min(h.low)) / nullif(abs(avg(h.mean)), 0) as moved
from (
  select p.id as point_id, s.hour from point p, generate_series(cast(:begin as timestamptz), cast(:end as timestamptz) - interval '1 hour', interval '1 hour') s(hour)
  where p.status in (2, 3) and p.measure = any(cast(:measures as int[]))
) g
left join reading_hour h on h.point_id = g.point_id and h.hour = g.hour
group by g.point_id
