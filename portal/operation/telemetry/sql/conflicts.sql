-- Differing second values, written down. Parameters: place, point, ms, value, quality, flag of one length (delay unused),
-- begin, end (bounds of ms), enterprise, receipt, revised. Rows: place and kind of each. Uses the key of reading and reading_packed.
with sent as materialized (
  select place, point, to_timestamp(ms / 1000.0) as ts, (to_timestamp(ms / 1000.0) at time zone 'UTC')::date as day, value, quality, flag
  from unnest(cast(:place as int[]), cast(:point as int[]), cast(:ms as bigint[]), cast(:value as float8[]),
    cast(:quality as smallint[]), cast(:flag as smallint[])) as t(place, point, ms, value, quality, flag)
), known as (
  select r.point_id, r.ts, r.value, r.quality, r.flag, r.receipt_id
  from sent join reading r on r.point_id = sent.point and r.ts = sent.ts and r.ts between :begin and :end
  union all
  select u.point_id, u.ts, u.value, u.quality, u.flag, u.receipt_id
  from (select distinct point, day from sent) wanted
  join reading_unpacked u on u.point_id = wanted.point and u.day = wanted.day
), differing as materialized (
  select sent.place, known.*, sent.value as second_value, sent.quality as second_quality, sent.flag as second_flag,
    case when sent.flag = :revised then 'revised' else 'refused' end as kind
  from sent join known on known.point_id = sent.point and known.ts = sent.ts
  where sent.value is distinct from known.value or sent.quality <> known.quality
), written as (
  insert into reading_conflict (enterprise_id, point_id, ts, kind, first_value, first_quality, first_flag, first_receipt_id,
    second_value, second_quality, second_flag, second_receipt_id)
  select :enterprise, point_id, ts, kind, value, quality, flag, receipt_id, second_value, second_quality, second_flag, :receipt
  from differing order by point_id, ts
  on conflict do nothing
)
select place, kind from differing
