-- Meters at ten million: numbers in blocks of 64 of one enterprise, newest counters and readings as one array row a block.
-- Runs as ranjian_owner.

-- 1. Numbers --------------------------------------------------------------------------------
-- The sequence steps by a block: who registers many meters takes one value for each 64 of them.
alter table gas_meter alter column id set increment by 64;
select setval('gas_meter_id_seq', (coalesce((select max(id) from gas_meter), 0) / 64 + 1) * 64, false);

create function take_meter_numbers(e int, wanted int) returns setof int language plpgsql volatile
set search_path = pg_catalog, public as $$
declare last int; at int := 0; till int := 0; given int := 0;
begin
  -- Until the transaction ends nobody else numbers meters of this enterprise, so its numbers rise in the order of commits.
  perform pg_advisory_xact_lock(727004, e);
  select max(m.id) into last from gas_meter m where m.enterprise_id = e;
  if last is not null and not exists (select from gas_meter m where m.id > last and m.id <= (last | 63)) then
    at := last + 1; till := (last | 63);
  end if;
  while given < wanted loop
    if at > till or at = 0 then at := nextval('gas_meter_id_seq'); till := at + 63; end if;
    return next at;
    at := at + 1; given := given + 1;
  end loop;
end $$;
comment on function take_meter_numbers(int, int) is 'numbers for new meters of an enterprise, its blocks filled one after the other';

-- Pages and searches are found without touching the rows they pass over: each index holds what a list is narrowed to.
alter table gas_meter drop constraint uq_gas_meter_enterprise_id_src_code;
create unique index uq_gas_meter_enterprise_id_src_code on gas_meter (enterprise_id, src_code text_pattern_ops) include (id, adcode);
drop index ix_gas_meter_code, ix_gas_meter_user_no, ix_gas_meter_enterprise, ix_gas_meter_kind, ix_gas_meter_adcode,
  ix_gas_meter_expires_on, ix_gas_meter_shut;
create index ix_gas_meter_user_no on gas_meter (enterprise_id, user_no text_pattern_ops) include (id, adcode);
create index ix_gas_meter_enterprise on gas_meter (enterprise_id, id) include (adcode, kind, valve_state, status, expires_on);
create index ix_gas_meter_kind on gas_meter (kind, id) include (enterprise_id, adcode, valve_state, status, expires_on);
create index ix_gas_meter_adcode on gas_meter (adcode, id) include (enterprise_id, kind, valve_state, status, expires_on);
create index ix_gas_meter_expires_on on gas_meter (expires_on, id) include (enterprise_id, adcode, kind, valve_state, status);
create index ix_gas_meter_shut on gas_meter (valve_state, id) include (enterprise_id, adcode, kind, status, expires_on)
  where valve_state <> 1;

-- 2. Newest counters: one row for the 64 meters whose number is block * 64 + place ------------------
create table meter_block (
  block int not null,
  ms bigint[] not null,
  value float8[] not null,
  qmax_least real,
  codes bigint not null,
  constraint pk_meter_block primary key (block)
-- Half a page is free: a sweep renews every row of a page at once, each within its page.
) with (fillfactor = 50);

-- What a process keeps about the codes of a block holds as long as this sum is the same.
create function meter_code_digest(id int, enterprise_id int, src_code text) returns bigint
language sql immutable parallel safe as $$ select hashtextextended(enterprise_id || ' ' || src_code, id) $$;

create function guard.meters_registered() returns trigger language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  insert into meter_block as known (block, ms, value, qmax_least, codes)
    select a.id >> 6, array_fill(0::bigint, array[64]), array_fill(0::float8, array[64]),
      min(a.qmax_m3_per_h) filter (where a.qmax_m3_per_h > 0),
      bit_xor(meter_code_digest(a.id, a.enterprise_id, a.src_code))
    from added a group by 1 order by 1
    on conflict (block) do update set codes = known.codes # excluded.codes,
      qmax_least = least(known.qmax_least, excluded.qmax_least);
  return null;
end $$;
create trigger meters_registered after insert on gas_meter referencing new table as added
  for each statement execute function guard.meters_registered();

create function guard.meter_changed() returns trigger language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  update meter_block b set
    codes = b.codes # meter_code_digest(old.id, old.enterprise_id, old.src_code)
      # meter_code_digest(new.id, new.enterprise_id, new.src_code),
    qmax_least = case when new.qmax_m3_per_h > 0 then least(b.qmax_least, new.qmax_m3_per_h) else b.qmax_least end
    where b.block = new.id >> 6;
  return null;
end $$;
create trigger meter_changed after update on gas_meter for each row
  when (old.src_code is distinct from new.src_code or old.enterprise_id is distinct from new.enterprise_id
    or (new.qmax_m3_per_h > 0 and (old.qmax_m3_per_h is null or old.qmax_m3_per_h <= 0 or new.qmax_m3_per_h < old.qmax_m3_per_h)))
  execute function guard.meter_changed();
create function guard.meter_number_kept() returns trigger language plpgsql as $$
begin raise exception 'meter_number_kept: a meter keeps its number' using errcode = 'check_violation'; end $$;
create trigger meter_number_kept before update on gas_meter for each row when (old.id is distinct from new.id)
  execute function guard.meter_number_kept();

-- 3. Readings: what one batch, or a packed day, holds of the 64 meters of a block on one UTC day ----------------
create table meter_reading_block (
  block int not null,
  day date not null,
  id bigint generated by default as identity,
  receipt_id int not null,
  begin_ms bigint not null,
  readings int not null,
  quality smallint not null,
  flag smallint not null,
  value float8[] not null,
  places smallint[],
  at int[],
  qualities smallint[],
  flags smallint[],
  receipts int[],
  constraint pk_meter_reading_block primary key (block, day, id)
) partition by range (day);

create table meter_day (
  day date not null,
  loose boolean not null,
  packed_at timestamptz,
  constraint pk_meter_day primary key (day)
);
create table meter_month (
  month date not null,
  readings bigint not null,
  retired_at timestamptz not null default clock_timestamp(),
  constraint pk_meter_month primary key (month)
);

-- Every reading as a row. Give conditions on block and day: they choose the array rows that are opened.
create view meter_reading_all as
  select to_timestamp((b.begin_ms + coalesce(u.at, 0))::float8 / 1000) as ts, u.value,
    b.block * 64 + coalesce(u.place, u.n::int - 1) as meter_id, coalesce(u.receipt_id, b.receipt_id) as receipt_id,
    coalesce(u.quality, b.quality) as quality, coalesce(u.flag, b.flag) as flag, b.day, b.block
  from meter_reading_block b cross join lateral rows from (
    unnest(b.value), unnest(b.places), unnest(b.at), unnest(b.qualities), unnest(b.flags), unnest(b.receipts)
  ) with ordinality as u (value, place, at, quality, flag, receipt_id, n);

create or replace function ensure_meter_month(d date) returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
declare part text := 'meter_reading_block_' || to_char(d, 'YYYYMM'); begin_on date := date_trunc('month', d)::date;
begin
  if to_regclass('public.' || part) is not null then return; end if;
  perform pg_advisory_xact_lock(727003, begin_on - date '2000-01-01');
  -- Whoever waited for the lock may not trust a name looked up before.
  if exists (select from pg_class c where c.relname = part and c.relnamespace = 'public'::regnamespace) then return; end if;
  execute format('create table public.%I (like public.meter_reading_block including defaults including comments)', part);
  execute format('alter table public.meter_reading_block attach partition public.%I for values from (%L) to (%L)', part,
    begin_on, (begin_on + interval '1 month')::date);
  execute format('create index on public.%I using brin (day) with (pages_per_range = 32, autosummarize = on)', part);
  execute format('comment on table public.%I is %L', part, 'meter readings of ' || to_char(d, 'YYYY-MM'));
end $$;

-- 4. What was stored as single rows before ------------------------------------------------------
insert into meter_block (block, ms, value, qmax_least, codes)
  select id >> 6, array_fill(0::bigint, array[64]), array_fill(0::float8, array[64]),
    min(qmax_m3_per_h) filter (where qmax_m3_per_h > 0), bit_xor(meter_code_digest(id, enterprise_id, src_code))
  from gas_meter group by 1 order by 1;
do $$
declare l record; d date;
begin
  for l in select meter_id, ts, value from meter_latest order by meter_id loop
    update meter_block set ms[(l.meter_id & 63) + 1] = round(extract(epoch from l.ts) * 1000),
      value[(l.meter_id & 63) + 1] = l.value where block = l.meter_id >> 6;
  end loop;
  for d in select distinct (ts at time zone 'UTC')::date from meter_reading order by 1 loop
    perform ensure_meter_month(d);
    insert into meter_day (day, loose) values (d, true);
    insert into meter_reading_block (block, day, receipt_id, begin_ms, readings, quality, flag, value, places, at, qualities, flags)
      select meter_id >> 6, d, receipt_id, round(extract(epoch from min(ts)) * 1000), count(*), min(quality), min(flag),
        array_agg(value order by meter_id, ts), array_agg((meter_id & 63)::smallint order by meter_id, ts),
        array_agg((extract(epoch from ts - d::timestamp at time zone 'UTC') * 1000)::int order by meter_id, ts),
        array_agg(quality order by meter_id, ts), array_agg(flag order by meter_id, ts)
      from meter_reading
      where ts >= d::timestamp at time zone 'UTC' and ts < (d + 1)::timestamp at time zone 'UTC'
      group by meter_id >> 6, receipt_id;
    update meter_reading_block set begin_ms = extract(epoch from d::timestamp at time zone 'UTC')::bigint * 1000 where day = d;
  end loop;
end $$;
drop view meter_reading_seen;
drop view meter_latest_seen;
drop function link_late_meter_readings(int[], timestamptz[]);
drop table meter_reading;
drop table meter_latest;

-- 5. What the web role reads -----------------------------------------------------------------------
create view meter_latest_seen with (security_barrier) as
  select to_timestamp(b.ms[(m.id & 63) + 1]::float8 / 1000) as ts, b.value[(m.id & 63) + 1] as value, m.id as meter_id
  from gas_meter m join meter_block b on b.block = m.id >> 6
  where ((select scope_all()) or m.enterprise_id = any ((select scope_enterprises())::int[])
         or m.adcode = any ((select scope_districts())::text[]))
    and b.ms[(m.id & 63) + 1] > 0;
create view meter_reading_seen with (security_barrier) as
  select r.ts, r.value, r.meter_id, r.receipt_id, r.quality, r.flag, r.day, r.block from meter_reading_all r
  where exists (select from gas_meter m where m.id = r.meter_id
    and ((select scope_all()) or m.enterprise_id = any ((select scope_enterprises())::int[])
         or m.adcode = any ((select scope_districts())::text[])));

-- One meter's readings: the scope is asked once, not for each reading of the block.
create function meter_readings_of(meter int, from_day date, to_day date)
returns table (ts timestamptz, value float8, receipt_id int, quality smallint, flag smallint)
language plpgsql stable security definer set search_path = pg_catalog, public set plan_cache_mode = 'force_custom_plan' as $$
begin
  if exists (select from gas_meter m where m.id = meter
      and (scope_all() or m.enterprise_id = any (scope_enterprises()) or m.adcode = any (scope_districts()))) then
    return query select a.ts, a.value, a.receipt_id, a.quality, a.flag from meter_reading_all a
      where a.block = meter >> 6 and a.day between from_day and to_day and a.meter_id = meter;
  end if;
end $$;
comment on function meter_readings_of(int, date, date) is 'the readings of one meter in scope between two UTC days';

-- 6. Packing: the batches of a closed day become one array row a block ----------------------------------
create function meter_reading_digest(ts timestamptz, meter_id int, value float8, receipt_id int, quality smallint, flag smallint)
returns bigint language sql immutable parallel safe as
$$ select hash_record_extended(row(ts, meter_id, float8send(value), receipt_id, quality, flag), 0) $$;

create function pack_meter_day(d date, most int) returns bigint language plpgsql security definer
set search_path = pg_catalog, public set plan_cache_mode = 'force_custom_plan' as $$
declare chosen int[]; last bigint; before_rows bigint; before_digest numeric; after_rows bigint; after_digest numeric;
begin
  if d > (now() at time zone 'UTC')::date - 3 then
    raise exception 'day_too_young: % closed less than two days ago', d using errcode = 'check_violation';
  end if;
  select array_agg(t.block order by t.block) into chosen from (
    select b.block from meter_reading_block b where b.day = d group by b.block having count(*) > 1 order by b.block limit most) t;
  if chosen is null then
    update meter_day set loose = false, packed_at = clock_timestamp() where day = d;
    return 0;
  end if;
  -- Who adds readings of these meters holds the same rows: nothing comes in between.
  perform from meter_block b where b.block = any (chosen) order by b.block for update;
  select max(b.id) into last from meter_reading_block b where b.day = d and b.block = any (chosen);
  select count(*), coalesce(sum(meter_reading_digest(a.ts, a.meter_id, a.value, a.receipt_id, a.quality, a.flag)), 0)
    into before_rows, before_digest from meter_reading_all a where a.day = d and a.block = any (chosen);
  insert into meter_reading_block (block, day, receipt_id, begin_ms, readings, quality, flag, value, places, at, qualities, flags, receipts)
    select p.block, d, p.receipts[1], p.begin_ms, p.n, p.qualities[1], p.flags[1], p.value,
      case when not p.full_ then p.places end, case when p.at_last > 0 then p.at end,
      case when p.q_differ then p.qualities end, case when p.f_differ then p.flags end, case when p.r_differ then p.receipts end
    from (
      select r.block, min(r.begin_ms) as begin_ms, count(*)::int as n, count(*) = 64 and count(distinct r.place) = 64 as full_,
        max(r.at) as at_last, min(r.quality) <> max(r.quality) as q_differ, min(r.flag) <> max(r.flag) as f_differ,
        min(r.receipt_id) <> max(r.receipt_id) as r_differ, array_agg(r.value order by r.place, r.at) as value,
        array_agg(r.place order by r.place, r.at) as places, array_agg(r.at order by r.place, r.at) as at,
        array_agg(r.quality order by r.place, r.at) as qualities, array_agg(r.flag order by r.place, r.at) as flags,
        array_agg(r.receipt_id order by r.place, r.at) as receipts
      from (
        select a.block, (a.meter_id & 63)::smallint as place, a.value, a.quality, a.flag, a.receipt_id,
          min(round(extract(epoch from a.ts) * 1000)::bigint) over whole as begin_ms,
          (round(extract(epoch from a.ts) * 1000)::bigint - min(round(extract(epoch from a.ts) * 1000)::bigint) over whole)::int as at
        from meter_reading_all a where a.day = d and a.block = any (chosen) window whole as (partition by a.block)
      ) r group by r.block
    ) p;
  delete from meter_reading_block b where b.day = d and b.block = any (chosen) and b.id <= last;
  select count(*), coalesce(sum(meter_reading_digest(a.ts, a.meter_id, a.value, a.receipt_id, a.quality, a.flag)), 0)
    into after_rows, after_digest from meter_reading_all a where a.day = d and a.block = any (chosen);
  if (after_rows, after_digest) is distinct from (before_rows, before_digest) then
    raise exception 'packed_differs: % has % meter readings packed as %', d, before_rows, after_rows using errcode = 'data_corrupted';
  end if;
  return before_rows;
end $$;
comment on function pack_meter_day(date, int) is 'join the batches of a closed day, so many blocks a call; the former rows go only when count and digest agree';

-- 7. Retirement: the floor of five years stands here and not in a setting --------------------------------
create function retirable_meter_months(keep_years int) returns table (month date, readings bigint) language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare part text;
begin
  for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.meter_reading_block'::regclass order by 1 loop
    month := to_date(right(part, 6), 'YYYYMM');
    if month + interval '1 month' > (now() at time zone 'UTC')::date - make_interval(years => greatest(keep_years, 5)) then continue; end if;
    execute format('select coalesce(sum(readings), 0) from public.%I', part) into readings;
    return next;
  end loop;
end $$;

create function retire_meter_month(m date, keep_years int, kind text, who text) returns bigint language plpgsql security definer
set search_path = pg_catalog, public set lock_timeout = '3s' as $$
declare part text := 'meter_reading_block_' || to_char(m, 'YYYYMM'); begin_on date := date_trunc('month', m)::date; gone bigint;
begin
  if keep_years < 5 or begin_on + interval '1 month' > (now() at time zone 'UTC')::date - make_interval(years => greatest(keep_years, 5)) then
    raise exception 'too_young: %', begin_on using errcode = 'check_violation';
  end if;
  perform pg_advisory_xact_lock(727003, begin_on - date '2000-01-01');
  if to_regclass('public.' || part) is null then return 0; end if;
  execute format('lock table public.%I in access exclusive mode', part);
  execute format('select coalesce(sum(readings), 0) from public.%I', part) into gone;
  execute format('drop table public.%I', part);
  insert into meter_month as known (month, readings) values (begin_on, gone)
    on conflict (month) do update set readings = known.readings + excluded.readings, retired_at = clock_timestamp();
  delete from meter_day where day >= begin_on and day < begin_on + interval '1 month';
  insert into audit_entry (actor_kind, actor_name, action, object_type, object_id, before)
    values (kind, who, 'readings.retire', 'meter_month', to_char(begin_on, 'YYYY-MM'),
            jsonb_build_object('readings', gone, 'keep_years', keep_years));
  return gone;
end $$;
comment on function retire_meter_month(date, int, text, text) is 'remove the meter readings of a month older than the floor; audited';

-- 8. Grants ---------------------------------------------------------------------------------------------
revoke all on function take_meter_numbers(int, int), pack_meter_day(date, int), retirable_meter_months(int),
  retire_meter_month(date, int, text, text), meter_readings_of(int, date, date) from public;
grant execute on function take_meter_numbers(int, int), pack_meter_day(date, int), retirable_meter_months(int),
  retire_meter_month(date, int, text, text) to ranjian_worker;
grant execute on function meter_readings_of(int, date, date) to ranjian_app, ranjian_worker;
grant usage on sequence gas_meter_id_seq, meter_reading_block_id_seq to ranjian_worker;
grant select, update (ms, value) on meter_block to ranjian_worker;
grant select, insert on meter_reading_block, meter_reading_all to ranjian_worker;
grant select, insert on meter_day to ranjian_worker;
grant update (loose) on meter_day to ranjian_worker;
grant select on meter_month to ranjian_worker;
grant select on meter_reading_seen, meter_latest_seen to ranjian_app, ranjian_worker;

-- 9. Comments ---------------------------------------------------------------------------------------------
comment on table meter_block is 'newest counters of the 64 meters of a block, derived from meter_reading_block';
comment on column meter_block.block is 'gas_meter.id / 64';
comment on column meter_block.ms is 'source time of the newest reading of each place, ms since 1970; 0 while there is none';
comment on column meter_block.value is 'its counter, m³';
comment on column meter_block.qmax_least is 'smallest largest flow any meter of the block ever had, m³/h; a first sieve only';
comment on column meter_block.codes is 'sum over the codes of its meters: what is kept about them elsewhere holds while it is the same';
comment on table meter_reading_block is '表具读数 / meter readings: one array row a block of 64 meters, UTC day and batch; month partitions';
comment on column meter_reading_block.block is 'gas_meter.id / 64';
comment on column meter_reading_block.day is 'UTC day of source time';
comment on column meter_reading_block.id is 'row number';
comment on column meter_reading_block.receipt_id is 'receipt of the batch';
comment on column meter_reading_block.begin_ms is 'source time `at` counts from, ms since 1970';
comment on column meter_reading_block.readings is 'number of readings';
comment on column meter_reading_block.quality is 'code quality of all readings';
comment on column meter_reading_block.flag is 'code reading_flag of all readings';
comment on column meter_reading_block.value is 'counters, m³';
comment on column meter_reading_block.places is 'place of each reading''s meter in the block; empty when all 64 stand in order';
comment on column meter_reading_block.at is 'source time after begin_ms, ms; empty when all are 0';
comment on column meter_reading_block.qualities is 'code quality of each reading when they differ';
comment on column meter_reading_block.flags is 'code reading_flag of each reading when they differ';
comment on column meter_reading_block.receipts is 'receipt of each reading when they differ';
comment on table meter_day is 'days of meter readings, and whether batches came since they were packed';
comment on column meter_day.day is 'UTC day';
comment on column meter_day.loose is 'batches came since it was packed';
comment on column meter_day.packed_at is 'last packed to the end';
comment on table meter_month is 'months of meter readings that were retired';
comment on column meter_month.month is 'first day of the month';
comment on column meter_month.readings is 'readings removed';
comment on column meter_month.retired_at is 'when';
comment on view meter_reading_all is 'all meter readings as rows; give conditions on block and day';
comment on view meter_reading_seen is 'readings of the meters in scope as rows';
comment on view meter_latest_seen is 'newest readings of the meters in scope; the only way the web role reads them';

create or replace function refresh_statistics() returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
declare t text;
begin
  foreach t in array array['base_district','base_road','base_water','base_green','base_building','gas_node',
      'gas_pipe','gas_valve','gas_regulator','gas_station','gas_user','point','latest','alarm','alarm_now',
      'device','device_point','gas_meter','meter_block'] loop
    execute format('analyze public.%I', t);
  end loop;
end $$;
