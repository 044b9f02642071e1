select n.pipe_id, n.length_m, n.pressure_class, n.material, n.od_mm, n.cp_kind, n.laying, n.joint, n.age_years,
  coalesce(w.works_n, 0) as works_n, coalesce(f.leaks_n, 0) as leaks_n, coalesce(f.corrosion_n, 0) as corrosion_n,
  coalesce(f.settlement_n, 0) as settlement_n, coalesce(f.spaces_n, 0) + (n.laying in (3, 6))::integer as spaces_n,
  coalesce(r.state, 0) as patrol_state, coalesce(greatest(b.people_day, b.people_evening, b.people_night), 0) as people_most,
  coalesce(b.sensitive_n, 0) as sensitive_n, coalesce(s.households, old.supply_households, -1) as supply_households
from risk_now n
left join risk_near b on b.pipe_id = n.pipe_id
left join risk_works w on w.pipe_id = n.pipe_id
left join risk_filed f on f.pipe_id = n.pipe_id
left join risk_patrolled r on r.pipe_id = n.pipe_id
left join risk_supply s on s.pipe_id = n.pipe_id
left join risk_segment old on old.pipe_id = n.pipe_id
