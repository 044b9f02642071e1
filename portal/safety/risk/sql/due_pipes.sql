-- The segments that noted changes touch. Temporary tables risk_noted (kind_no, object_id: 1 pipe, 2 works, 3 patrol) and
-- risk_moved (geom of buildings whose people changed). :box_deg wider than any control zone, :near_deg wider than any impact radius.
select object_id as pipe_id from risk_noted where kind_no = 1
union
select p.id from risk_noted n join works_site w on w.id = n.object_id join gas_pipe p on p.geom && st_expand(w.geom, :box_deg) where n.kind_no = 2
union
select p.id from risk_noted n
cross join lateral (select h.geom from works_site_history h where h.id = n.object_id and h.geom is not null order by h.valid_to desc limit 1) w
join gas_pipe p on p.geom && st_expand(w.geom, :box_deg) where n.kind_no = 2
union
select p.id from risk_noted n join patrol w on w.id = n.object_id join gas_pipe p on p.geom && st_expand(w.track, :box_deg) where n.kind_no = 3
union
select p.id from risk_moved m join gas_pipe p on p.geom && st_expand(m.geom, :near_deg)
