-- Live alarms by hour and level, and operator hours on duty, over a span; only hours with either.
-- An hour without anybody in the roster counts one operator: somebody must have looked.
-- Parameters: :begin, :end (instants), :all, :enterprises, :districts (scope).
with hours as (
    select generate_series(date_trunc('hour', cast(:begin as timestamptz)), cast(:end as timestamptz) - interval '1 microsecond', interval '1 hour') as hour
), alarms as (
    select date_trunc('hour', raised_at) as hour, count(*) as n, count(*) filter (where level = 1) as critical,
           count(*) filter (where level = 2) as major
    from alarm_now
    where raised_at >= :begin and raised_at < :end and not historical
      and (:all or enterprise_id = any (:enterprises) or adcode = any (:districts))
    group by 1
)
select h.hour, coalesce(a.n, 0) as alarms, coalesce(a.critical, 0) as critical, coalesce(a.major, 0) as major,
       greatest(1, (select count(*) from duty_shift s where s.cancelled_at is null and s.post = 1
                    and s.begins_at <= h.hour and s.ends_at > h.hour)) as operators
from hours h left join alarms a on a.hour = h.hour
order by h.hour
