-- Open works sites in the control zone of each segment: by their place, else by the object they name.
-- :box_deg is wider than the widest control zone. Relies on: idx_gas_pipe_geom, ix_works_site_object_id.
create temporary table risk_works on commit drop as
select pipe_id, count(distinct site)::integer as works_n from (
  select n.pipe_id, w.id as site
  from works_site w join gas_pipe p on p.geom && st_expand(w.geom, :box_deg) join risk_now n on n.pipe_id = p.id
  where w.status not in (6, 7) and w.geom is not null and st_distance(w.geom::geography, p.geom::geography) <= n.control_m
  union all
  select n.pipe_id, w.id from works_site w join risk_now n on w.object_type = 'pipe' and w.object_id = n.pipe_id
  where w.status not in (6, 7) and w.geom is null and coalesce(w.distance_m, 0) <= n.control_m
) each_site group by pipe_id
