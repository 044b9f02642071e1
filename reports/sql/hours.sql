-- Day by hour: readings expected, received, valid and in time of one enterprise, in city time.
-- Parameters: enterprise_id, begin, until.
with {due_points},
starts as (
    select due_from as hour, sum(3600.0 / period_s) as rate from due group by due_from
),
clock as (
    select generate_series(cast(:begin as timestamptz), cast(:until as timestamptz) - interval '1 hour', interval '1 hour') as hour
),
expected as (
    select c.hour, sum(coalesce(s.rate, 0)) over (order by c.hour) as expected
    from clock c left join starts s using (hour)
),
got as (
    select r.hour, sum(r.readings) as readings, sum(r.valid) as valid, sum(r.in_time) as in_time
    from reading_hour r join due d on d.id = r.point_id
    where r.hour >= :begin and r.hour < :until
    group by r.hour
)
select (e.hour at time zone 'Asia/Shanghai')::date as day,
       extract(hour from e.hour at time zone 'Asia/Shanghai')::int as hour,
       e.expected, coalesce(g.readings, 0) as readings, coalesce(g.valid, 0) as valid, coalesce(g.in_time, 0) as in_time
from expected e left join got g using (hour)
order by e.hour
