-- Points by their own number or that of their object. Parameters: own, stations, regulators (numbers), measure (null: any), most.
-- Rows: numbers of points, those of stations first. Uses the primary key and ix_point_object.
select id from (
  select p.id, 1 as fit, s.place from unnest(cast(:stations as bigint[])) with ordinality s(id, place)
  join point p on p.object_type = 'station' and p.object_id = s.id where p.status <> 7
  union all
  select p.id, 2, r.place from unnest(cast(:regulators as bigint[])) with ordinality r(id, place)
  join point p on p.object_type = 'regulator' and p.object_id = r.id where p.status <> 7
  union all
  select p.id, 3, o.place from unnest(cast(:own as bigint[])) with ordinality o(id, place)
  join point p on p.id = o.id where p.status <> 7
) found
where cast(:measure as int) is null or exists (select from point m where m.id = found.id and m.measure = :measure)
group by id order by min(fit), min(place), id limit :most
