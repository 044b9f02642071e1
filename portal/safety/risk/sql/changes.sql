-- Note the segments whose colour changes. :at, :model.
insert into risk_change (pipe_id, enterprise_id, adcode, at, was, became, log_rate_was, log_rate, model_was, model_id, length_m)
select s.pipe_id, n.enterprise_id, n.adcode, :at, s.colour, m.colour, s.log_rate, m.log_rate, s.model_id, :model, n.length_m
from risk_made m join risk_segment s on s.pipe_id = m.pipe_id join risk_now n on n.pipe_id = m.pipe_id
where s.colour <> m.colour
