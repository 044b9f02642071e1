-- What raises most alarms: point (or object) and kind, with its share of all and every instant, for chattering.
-- Parameters: :begin, :end (instants), :all, :enterprises, :districts (scope), :most rows.
with counted as (
    select enterprise_id, point_id, object_code, kind, count(*) as n, min(level) as worst,
           array_agg(raised_at order by raised_at) as instants,
           avg(extract(epoch from cleared_at - raised_at)) filter (where cleared_at is not null) as mean_s,
           count(*) filter (where verdict = 2) as false_alarms
    from alarm_now
    where raised_at >= :begin and raised_at < :end and not historical
      and (:all or enterprise_id = any (:enterprises) or adcode = any (:districts))
    group by 1, 2, 3, 4
)
select c.*, c.n::float8 / sum(c.n) over () as share, p.src_code as point_code, p.name as point_name, e.short_name as enterprise
from counted c join enterprise e on e.id = c.enterprise_id left join point p on p.id = c.point_id
order by c.n desc, c.enterprise_id, c.point_id, c.kind
limit :most
