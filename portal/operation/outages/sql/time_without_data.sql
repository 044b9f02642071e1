-- Time without data by enterprise between two instants. Parameters: begin, end, all, enterprises, districts.
-- A share is seconds without data of all points over their seconds due; a wider outage counts from where its parts ended.
select e.id, e.short_name as name, held.points, coalesce(o.outages, 0) as outages, coalesce(o.link_s, 0) as link_s,
  coalesce(o.point_s, 0) as point_s, coalesce(o.unfilled, 0) as unfilled,
  least(1, coalesce(o.link_s, 0) / extract(epoch from cast(:end as timestamptz) - :begin)) as link_share,
  least(1, coalesce(o.point_s, 0) / (held.points * extract(epoch from cast(:end as timestamptz) - :begin))) as point_share
from enterprise e
join lateral (select count(*) as points from point p where p.enterprise_id = e.id and p.status in (2, 3)
  and (:all or p.enterprise_id = any(cast(:enterprises as int[])) or p.adcode = any(cast(:districts as text[])))) held
  on held.points > 0
left join lateral (
  select count(*) as outages,
    sum(extract(epoch from part.ended - part.began)) filter (where x.level = 4) as link_s,
    sum(extract(epoch from part.ended - part.began) * least(x.points, held.points)) as point_s,
    sum(greatest(x.lost - x.filled, 0)) as unfilled
  from outage x
  cross join lateral (select greatest(x.began_at, :begin) as began, least(coalesce(x.ended_at, :end), :end) as ended) part
  where x.enterprise_id = e.id and x.level <> 5 and part.ended > part.began
) o on true
order by point_share desc, e.short_name
