-- Open works sites in the control zone of each segment: by their place (temporary table risk_sites), else by the object they name.
-- Relies on: ix_risk_sites (made with the table), ix_works_site_object_id.
create temporary table risk_works on commit drop as
select pipe_id, count(distinct site)::integer as works_n from (
  select n.pipe_id, w.id as site from risk_now n join risk_sites w on st_dwithin(n.geom, w.geom, n.control_m)
  union all
  select n.pipe_id, w.id from works_site w join risk_now n on w.object_type = 'pipe' and w.object_id = n.pipe_id
  where w.status not in (6, 7) and w.geom is null and coalesce(w.distance_m, 0) <= n.control_m
) each_site group by pipe_id
