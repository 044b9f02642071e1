-- Which readings a packed day holds. Parameters: place, point, ms of one length. Rows: the places found.
-- Uses the primary key of reading_packed; each array row concerned is opened once.
with asked as materialized (
  select place, point, to_timestamp(ms / 1000.0) as ts, (to_timestamp(ms / 1000.0) at time zone 'UTC')::date as day
  from unnest(cast(:place as int[]), cast(:point as int[]), cast(:ms as bigint[])) as t(place, point, ms)
), stored as materialized (
  select u.point_id, u.ts from (select distinct point, day from asked) wanted
  join reading_unpacked u on u.point_id = wanted.point and u.day = wanted.day
)
select asked.place from asked join stored on stored.point_id = asked.point and stored.ts = asked.ts
