-- The pressure classes of the pipes in use at each node, and whether a regulator or a station stands there.
-- Uses ix_gas_regulator_node_id for the inlet; regulators are few.
with ends as (
  select from_node_id as node_id, pressure_class from gas_pipe where status in (2, 3)
  union all
  select to_node_id, pressure_class from gas_pipe where status in (2, 3)
), joints as (
  select node_id from gas_regulator
  union select outlet_node_id from gas_regulator
  union select node_id from gas_station
)
select n.enterprise_id, n.id, n.src_code, c.classes, n.id in (select node_id from joints where node_id is not null) as regulated
from (select node_id, array_agg(distinct pressure_class) as classes from ends group by node_id) c
join gas_node n on n.id = c.node_id
