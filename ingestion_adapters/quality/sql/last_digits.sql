-- How often each last digit stands in those of a day's readings that differ from the one before.
-- Parameters: begin, end, first_day, last_day (UTC days), measures. Rows: point, its digits, their counts, different values.
-- Reads single readings, packed or not; the day's partition is read once.
with raw as materialized (
  select r.point_id, r.ts, r.value from reading r
  where r.ts >= :begin and r.ts < :end and r.quality in (192, 216) and r.value is not null
  union all
  select u.point_id, u.ts, u.value from reading_unpacked u
  where u.day between :first_day and :last_day and u.ts >= :begin and u.ts < :end and u.quality in (192, 216) and u.value is not null
), scaled as (
  select raw.point_id, raw.value, p.enterprise_id, p.src_code,
    max(least(6, scale(trim_scale(raw.value::numeric)))) over (partition by raw.point_id) as places,
    lag(raw.value) over (partition by raw.point_id order by raw.ts) as before
  from raw join point p on p.id = raw.point_id and p.measure = any(cast(:measures as int[]))
), counted as (
  select enterprise_id, point_id, src_code, mod(abs(round(value * power(10, places)))::bigint, 10) as digit,
    count(*) as moved, count(distinct value) as different
  from scaled where before is distinct from value group by 1, 2, 3, 4
)
select enterprise_id, point_id as id, src_code, array_agg(digit::int order by digit) as digits,
  array_agg(moved::int order by digit) as counts, sum(different)::int as distinct
from counted group by 1, 2, 3
