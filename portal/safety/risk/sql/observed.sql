-- Failures at each segment since its enterprise began to file, at most :years back: leaks and third-party damage among incidents,
-- leaks among hidden dangers. :now, :years. Relies on: ix_incident_object_id, ix_hidden_danger_object_id.
create temporary table risk_observed on commit drop as
with began as (
  select enterprise_id, greatest(min(at), cast(:now as timestamptz) - make_interval(days => (:years * 365.25)::integer)) as at from (
    select enterprise_id, min(occurred_at) as at from incident where occurred_at <= :now group by 1
    union all select enterprise_id, min(found_at) from hidden_danger where found_at <= :now group by 1
  ) first_records group by 1
), failure as (
  select i.object_id as pipe_id, i.occurred_at as at from incident i
  where i.object_type = 'pipe' and i.kind in (1, 7) and i.occurred_at <= :now
  union all
  select h.object_id, h.found_at from hidden_danger h where h.object_type = 'pipe' and h.sub_category = 22 and h.found_at <= :now
)
select s.pipe_id, extract(epoch from cast(:now as timestamptz) - b.at)::double precision / 31557600 as years,
  (select count(*) from failure f where f.pipe_id = s.pipe_id and f.at >= b.at)::integer as failures_n
from risk_segment s join began b on b.enterprise_id = s.enterprise_id
