-- What the flow gauges of stations measured in a gas day. Parameters: begin, end. Rows: enterprise, m3 and share of hours that have a value.
select p.enterprise_id, sum(h.mean) as measured_m3, count(h.mean)::float / nullif(count(distinct p.id) * 24, 0) as coverage
from point p
join gas_station s on s.id = p.object_id and p.object_type = 'station' and s.kind in (1, 2, 4)
left join reading_hour h on h.point_id = p.id and h.hour >= :begin and h.hour < :end
where p.status in (2, 3) and p.measure = 2 and p.unit = 'm³/h'
group by p.enterprise_id
