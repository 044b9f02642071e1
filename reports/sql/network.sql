-- Length of mains in service by pressure class, material and decade. Parameters: enterprise_id.
select pressure_class, material, (install_year / 10) * 10 as decade,
       count(*) as pipes, sum(length_m) / 1000.0 as km
from gas_pipe
where enterprise_id = :enterprise_id and status in (2, 3)
group by 1, 2, 3
order by 1, 2, 3
