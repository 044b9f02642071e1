-- Store the segments worked out; one that came out the same stays as it is.
-- :at, :model, :hca_households. {parts} is the list of the columns of the factors.
insert into risk_segment as old ({columns})
select n.pipe_id, n.enterprise_id, n.adcode,
  floor(st_x(st_lineinterpolatepoint(n.geom, 0.5)) / 1000)::integer, floor(st_y(st_lineinterpolatepoint(n.geom, 0.5)) / 1000)::integer,
  n.length_m, n.pressure_class, n.material, n.od_mm, nullif(n.cp_kind, -1), nullif(n.laying, -1), nullif(n.joint, -1),
  nullif(n.age_years, -1), i.works_n, i.leaks_n, i.corrosion_n, i.settlement_n, i.spaces_n, i.patrol_state,
  n.pressure_kpa, n.heat_radius_m, n.radius_m, coalesce(b.people_day, 0), coalesce(b.people_evening, 0), coalesce(b.people_night, 0),
  coalesce(b.buildings_n, 0), i.sensitive_n, nullif(i.supply_households, -1),
  array[{parts}]::integer[], m.log_rate, m.log_rate_low, m.log_rate_high, m.unknown_n, m.expected, m.likelihood, m.c_people, m.c_plus,
  m.c_supply, m.consequence, m.score, m.colour, m.colour_low, m.colour_high,
  case when h.why & 4 > 0 then 3 when n.pressure_class <= 4 and h.why & 3 > 0 then 2
    when h.why > 0 or coalesce(f.sensitive_n, 0) > 0 then 4 else 0 end,
  h.why | (case when coalesce(f.sensitive_n, 0) > 0 then 1 else 0 end), f.households, :model, :at
from risk_made m
join risk_now n on n.pipe_id = m.pipe_id
join risk_inputs i on i.pipe_id = m.pipe_id
left join risk_near b on b.pipe_id = m.pipe_id
left join risk_far f on f.pipe_id = m.pipe_id
cross join lateral (
  select (case when i.sensitive_n > 0 then 1 else 0 end) | (case when f.households >= :hca_households then 2 else 0 end)
    | (case when f.tall_n * 2 > f.buildings_n then 4 else 0 end) | (case when i.spaces_n > 0 then 8 else 0 end) as why
) h
on conflict (pipe_id) do update set ({columns}) = row({excluded})
where ({old}) is distinct from ({new})
