-- The quickest native readings of each enterprise in a sample of the day. Parameters: begin, end, first_day, last_day.
-- Rows: enterprise and the delay that one in twenty undercuts, s.
with windows as (select h as a, h + interval '5 minutes' as b from generate_series(cast(:begin as timestamptz), cast(:end as timestamptz) - interval '5 minutes', interval '3 hours') h)
select p.enterprise_id, percentile_disc(0.05) within group (order by r.delay_s) as quickest_s
from (
  select r.point_id, r.delay_s from windows w join reading r on r.ts >= w.a and r.ts < w.b and r.flag = 0
  union all
  select u.point_id, u.delay_s from reading_unpacked u join windows w on u.ts >= w.a and u.ts < w.b
  where u.day between :first_day and :last_day and u.flag = 0
) r join point p on p.id = r.point_id
group by p.enterprise_id
