-- Buckets of hours in which readings came late. Parameters: points, begin, end, step (s), share.
-- Rows: point, begin of the bucket (s since 1970). Uses the primary key of reading_hour.
select point_id, floor(date_part('epoch', hour) / :step) * :step as bucket
from reading_hour
where point_id = any (:points) and hour >= :begin and hour < :end and in_time < readings
group by 1, 2 having sum(readings - in_time) >= :share * sum(readings)
