-- Figures of a point from its single readings. Parameters: point, begin, end, first_day, last_day (UTC), step (s).
-- Rows: bucket (s since 1970), low, high, mean, last, readings, valid of each bucket that has readings. Uses the keys of reading and reading_packed.
select
  floor(date_part('epoch', ts) / :step) * :step as bucket,
  min(value) filter (where quality in (192, 216)) as low,
  max(value) filter (where quality in (192, 216)) as high,
  avg(value) filter (where quality in (192, 216)) as mean,
  (max(array[date_part('epoch', ts), value]) filter (where quality in (192, 216) and value is not null))[2] as last,
  count(*) as readings,
  count(value) filter (where quality in (192, 216)) as valid
from reading_seen
where point_id = :point and ts >= :begin and ts < :end and day between :first_day and :last_day
group by 1
order by 1
