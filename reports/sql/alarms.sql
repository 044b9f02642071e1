-- Alarms of one enterprise raised in the period: counts by level, acknowledgement and verdict.
-- Parameters: enterprise_id, begin, until, ack_limit_min. Alarms from back-filled data ring nobody and are not due.
select count(*) as alarms,
       count(*) filter (where level = 1) as level_1,
       count(*) filter (where level = 2) as level_2,
       count(*) filter (where level = 3) as level_3,
       count(*) filter (where level = 4) as level_4,
       count(*) filter (where historical) as historical,
       count(*) filter (where due) as ack_due,
       count(*) filter (where due and acknowledged_at <= raised_at + make_interval(mins => :ack_limit_min)) as ack_in_time,
       count(*) filter (where verdict = 1) as judged_true,
       count(*) filter (where verdict = 2) as judged_false,
       count(*) filter (where verdict = 0) as not_judged,
       count(*) filter (where cleared_at is null) as still_open
from (
    select a.*, a.level <= 2 and not a.historical
                and (a.acknowledged_at is not null
                     or a.raised_at + make_interval(mins => :ack_limit_min) <= :until) as due
    from alarm_now a
    where a.enterprise_id = :enterprise_id and a.raised_at >= :begin and a.raised_at < :until
) seen
