select
  floor(extract(epoch from hour) / :step) * :step as t,
  avg(mean) as v,
  min(low) as lo,
  max(high) as hi
from reading_hour
where point_id = :point and hour >= :begin and hour < :end
group by 1
order by 1
