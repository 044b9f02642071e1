-- The newest readings of one meter, each found by primary key through the one after it. Parameters: meter, most.
with recursive back as (
  select r.ts, r.value, r.prev_ts, r.receipt_id, r.quality, r.flag, 1 as n
  from meter_latest_seen l join meter_reading_seen r on r.ts = l.ts and r.meter_id = l.meter_id
  where l.meter_id = :meter
  union all
  select r.ts, r.value, r.prev_ts, r.receipt_id, r.quality, r.flag, b.n + 1
  from back b join meter_reading_seen r on r.ts = b.prev_ts and r.meter_id = :meter
  where b.n < :most
)
select ts, value, receipt_id, quality, flag from back order by ts desc
