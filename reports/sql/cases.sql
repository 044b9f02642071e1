-- Supervision cases decided in the period: closed in it or due in it, void and refused ones left out.
-- Parameters: enterprise_id, begin, until.
select count(*) as due,
       count(*) filter (where closed_at <= due_at) as on_time,
       count(*) filter (where closed_at > due_at) as late,
       count(*) filter (where closed_at is null or closed_at >= :until) as overdue
from supervision_case
where enterprise_id = :enterprise_id and state not in (12, 90)
  and least(due_at, coalesce(closed_at, due_at)) >= :begin
  and least(due_at, coalesce(closed_at, due_at)) < :until
