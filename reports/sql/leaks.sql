-- Gas leaks: alarms of kind 16 judged true in the period and the closing of the case they opened.
-- Parameters: enterprise_id, begin, until, repair_limit_h. One row a leak, newest first.
select a.id as alarm_id, a.object_code, a.level, a.value, a.unit, n.raised_at, c.case_no, c.closed_at,
       extract(epoch from c.closed_at - n.raised_at) / 3600.0 as repair_h,
       c.closed_at is not null and c.closed_at <= n.raised_at + make_interval(hours => :repair_limit_h) as in_time,
       c.closed_at is not null or n.raised_at + make_interval(hours => :repair_limit_h) <= :until as due
from alarm a
join alarm_now n on n.alarm_id = a.id
left join supervision_case c on c.alarm_id = a.id and c.state not in (12, 90)
where a.enterprise_id = :enterprise_id and a.kind = 16 and n.verdict = 1
  and n.raised_at >= :begin and n.raised_at < :until
order by n.raised_at desc
