-- Figures of a point from its days. Parameters: point, starts_at_h, first, last (days), open (days left out), step_days.
-- Rows: day and the figures of series_reading of each bucket of so many days. Uses the primary key of reading_day.
select date '2000-01-01' + (day - date '2000-01-01') / :step_days * :step_days as bucket, min(low) as low, max(high) as high,
  sum(mean * valid) / nullif(sum(valid), 0) as mean,
  (array_agg(last order by day desc) filter (where valid > 0))[1] as last, sum(readings)::bigint as readings, sum(valid)::bigint as valid
from reading_day
where point_id = :point and starts_at_h = :starts_at_h and day between :first and :last and day <> all (cast(:open as date[]))
group by 1 order by 1
