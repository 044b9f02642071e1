-- Leaks since :since and open hidden dangers at each segment. Relies on: ix_incident_object_id, ix_hidden_danger_object_id.
-- event_kind 1 leak, 7 third-party damage; hazard_subcategory 21 corrosion, 22 leak, 51 settlement, 53 adjacent space; status 8 closed.
create temporary table risk_filed on commit drop as
select pipe_id, sum(leak)::integer as leaks_n, sum(corrosion)::integer as corrosion_n, sum(settlement)::integer as settlement_n,
  sum(space)::integer as spaces_n
from (
  select n.pipe_id, 1 as leak, 0 as corrosion, 0 as settlement, 0 as space
  from risk_now n join incident i on i.object_type = 'pipe' and i.object_id = n.pipe_id
  where i.kind in (1, 7) and i.occurred_at >= :since
  union all
  select n.pipe_id, (h.sub_category = 22 and h.found_at >= :since)::integer, (h.sub_category = 21 and h.status <> 8)::integer,
    (h.sub_category = 51 and h.status <> 8)::integer, (h.sub_category = 53 and h.status <> 8)::integer
  from risk_now n join hidden_danger h on h.object_type = 'pipe' and h.object_id = n.pipe_id
  where h.sub_category in (21, 22, 51, 53)
) each_record group by pipe_id
