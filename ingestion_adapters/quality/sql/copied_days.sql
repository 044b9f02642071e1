-- Points of a day with the earlier days that have the same digest. Parameters: day, first (day), begin, end, measures.
select p.enterprise_id, p.id, p.src_code, d.different as distinct,
  (select array_agg(e.day order by e.day desc) from point_day_print e
   where e.point_id = p.id and e.print = n.print and e.day >= :first and e.day < :day) as same_days
from point_day_print n
join point p on p.id = n.point_id and p.status in (2, 3) and p.measure = any(cast(:measures as int[]))
join (select point_id, count(distinct mean) as different from reading_hour where hour >= :begin and hour < :end group by point_id) d
  on d.point_id = n.point_id
where n.day = :day
