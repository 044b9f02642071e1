-- Open alarms nobody has acknowledged of which a step of the escalation is due and was not taken.
-- One held back or standing under another alarm is told by that one, unless it is graver.
-- Parameter: :now.
select n.alarm_id, n.enterprise_id, n.adcode, n.kind, n.level, n.raised_at, n.object_code, e.short_name as enterprise,
       a.value, a.unit, a.text_said, greatest(a.received_at, n.raised_at) as since,
       coalesce((select array_agg(distinct t.step) from notice t where t.alarm_id = n.alarm_id), '{}') as done
from alarm_now n
join alarm a on a.id = n.alarm_id
join enterprise e on e.id = n.enterprise_id
left join alarm_now r on r.alarm_id = n.root_id
where (n.cleared_at is null or n.acknowledged_at is null or n.latched) and not n.historical
  and n.acknowledged_at is null and n.hold is null and (n.root_id is null or n.level < r.level)
  and a.received_at > cast(:now as timestamptz) - interval '1 day'
  and exists (select from escalation_step s
              where s.level = n.level and greatest(a.received_at, n.raised_at) + make_interval(mins => s.after_min) <= :now
                and not exists (select from notice t where t.alarm_id = n.alarm_id and t.step = s.step))
order by n.level, n.alarm_id
limit 200
