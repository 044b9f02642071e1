-- Hourly means of points over weeks. Parameters: points, begin, end. Rows: point with its hours since 1970 and means, by hour.
select point_id, array_agg((extract(epoch from hour) / 3600)::int order by hour) as hours, array_agg(mean order by hour) as means
from reading_hour
where point_id = any(cast(:points as int[])) and hour >= :begin and hour < :end and mean is not null
group by point_id
