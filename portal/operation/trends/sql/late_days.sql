-- Buckets of days in which readings came late. Parameters: points, starts_at_h, first, last (days), step_days, share.
-- Rows: point, first day of the bucket as in series_day of telemetry. Uses the primary key of reading_day.
select point_id, date '2000-01-01' + (day - date '2000-01-01') / :step_days * :step_days as bucket
from reading_day
where point_id = any (:points) and starts_at_h = :starts_at_h and day between :first and :last and in_time < readings
group by 1, 2 having sum(readings - in_time) >= :share * sum(readings)
