-- Digests of a closed day's hours, kept. Parameters: day, begin, end. Points with fewer than 20 hours have none.
insert into point_day_print (point_id, day, print)
select point_id, :day, hashtextextended(string_agg(
  extract(hour from hour)::text || '=' || round(mean::numeric, 6)::text || '/' || round(low::numeric, 6)::text || '/' || round(high::numeric, 6)::text,
  ' ' order by hour), 0)
from reading_hour where hour >= :begin and hour < :end and mean is not null
group by point_id having count(*) >= 20
on conflict (point_id, day) do update set print = excluded.print where point_day_print.print <> excluded.print
