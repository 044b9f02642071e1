-- Readings of meters out of meter_incoming: into meter_reading with the time of the reading before, newest ones into
-- meter_latest. Parameters: enterprise, receipt. Relies on uq_gas_meter_enterprise_id_src_code, pk_meter_latest.
-- Gives: added, unknown (places), late_meters and late_times (to be hung into the chain), suspects for the rules.
with placed as materialized (
  select i.n, to_timestamp(i.ms / 1000.0) as ts, i.value, i.quality, i.flag, m.id as meter_id, m.digits,
    m.qmax_m3_per_h as qmax, l.ts as last_ts, l.value as last_value,
    to_timestamp(lag(i.ms) over one / 1000.0) as own_ts, lag(i.value) over one as own_value
  from meter_incoming i
  left join gas_meter m on m.enterprise_id = :enterprise and m.src_code = i.code
  left join meter_latest l on l.meter_id = m.id
  window one as (partition by m.id order by i.ms, i.n)
), chained as materialized (
  select n, ts, value, quality, flag, meter_id, digits, qmax, last_ts,
    case when own_ts < ts and (last_ts is null or own_ts > last_ts) then own_ts when last_ts < ts then last_ts end as prev_ts,
    case when own_ts < ts and (last_ts is null or own_ts > last_ts) then own_value when last_ts < ts then last_value end as prev_value
  from placed where meter_id is not null
), added as (
  insert into meter_reading (ts, value, prev_ts, meter_id, receipt_id, quality, flag)
  select ts, value, prev_ts, meter_id, :receipt, quality, flag from chained order by ts, meter_id, n
  on conflict do nothing
  returning ts, value, meter_id, quality, flag
), moved as (
  insert into meter_latest as old (ts, value, meter_id, quality, flag)
  select distinct on (meter_id) ts, value, meter_id, quality, flag from added order by meter_id, ts desc
  on conflict (meter_id) do update set ts = excluded.ts, value = excluded.value, quality = excluded.quality,
    flag = excluded.flag where old.ts < excluded.ts
), late as (
  select array_agg(meter_id order by meter_id, ts) as meters, array_agg(ts order by meter_id, ts) as times
  from chained where last_ts > ts
)
select (select count(*)::int from added) as added,
  (select array_agg(n) from placed where meter_id is null) as unknown,
  late.meters as late_meters, late.times as late_times,
  (select json_agg(json_build_array(n, prev_value, value, digits, extract(epoch from ts - prev_ts) / 3600.0, qmax,
      extract(epoch from prev_ts)))
   from chained where quality in (192, 216) and prev_value is not null
     and (value < prev_value or value - prev_value > qmax * extract(epoch from ts - prev_ts) / 3600.0)) as suspects
from late
