select
  floor(extract(epoch from ts) / :step) * :step as t,
  avg(value) filter (where quality in (192, 216)) as v,
  min(value) filter (where quality in (192, 216)) as lo,
  max(value) filter (where quality in (192, 216)) as hi
from reading_seen
where point_id = :point and ts >= :begin and ts < :end
group by 1
order by 1
