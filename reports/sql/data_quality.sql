-- Sums over all points of one enterprise: online and due minutes, readings expected, received, valid, in time.
-- Parameters: enterprise_id, begin, until.
with {due_points}
select count(*) as points,
       count(*) filter (where s.readings = 0 and s.due_min > 0) as silent_points,
       coalesce(sum(s.due_min), 0) as due_min,
       coalesce(sum(least(s.online_min, s.due_min)), 0) as online_min,
       coalesce(sum(s.expected), 0) as expected,
       coalesce(sum(s.readings), 0) as readings,
       coalesce(sum(s.valid), 0) as valid,
       coalesce(sum(least(s.valid, s.expected)), 0) as valid_expected,
       coalesce(sum(s.in_time), 0) as in_time,
       coalesce(sum(s.valid) filter (where p.measure = 1 and (p.low is not null or p.high is not null)), 0) as pressure_valid,
       coalesce(sum(s.in_limits) filter (where p.measure = 1 and (p.low is not null or p.high is not null)), 0) as pressure_in_limits
from seen s join due p on p.id = s.id
