-- Readings of closed days as arrays, daily figures, conflicts, retirement. Runs as ranjian_owner.

-- 1. Indexes by time: a roll-up of one hour must not read the whole day -----------------------
create index ix_reading_ts on reading using brin (ts) with (pages_per_range = 32, autosummarize = on);
create index ix_reading_hour_hour on reading_hour using brin (hour) with (pages_per_range = 32, autosummarize = on);

-- 2. Daily figures ----------------------------------------------------------------------------
create table reading_day (
  point_id int not null, starts_at_h smallint not null, day date not null,
  low float8, high float8, mean float8, last float8,
  readings int not null, valid int not null, in_time int not null, in_limits int not null,
  constraint pk_reading_day primary key (point_id, starts_at_h, day)
);
create index ix_reading_day_day on reading_day using brin (day) with (pages_per_range = 32, autosummarize = on);
create table rollup_day_due (
  day date not null, starts_at_h smallint not null, since timestamptz not null default now(),
  constraint pk_rollup_day_due primary key (day, starts_at_h)
);
insert into rollup_day_due (day, starts_at_h)
  select distinct ((hour at time zone 'Asia/Shanghai') - make_interval(hours => starts))::date, starts
  from reading_hour cross join (values (0), (8)) as t(starts);

-- 3. Packed days --------------------------------------------------------------------------------
create table reading_packed (
  point_id int not null, day date not null, begin_ms bigint not null, readings int not null,
  step_ms int not null, unit_ms smallint not null, at2 smallint[], at4 int[],
  divisor int, base bigint, v2 smallint[], v4 int[], f4 real[], f8 float8[],
  receipt_base int not null, receipt2 smallint[], receipt4 int[],
  delay_base int not null, delay2 smallint[], delay4 int[],
  quality smallint not null, qualities smallint[], flag smallint not null, flags smallint[],
  constraint pk_reading_packed primary key (point_id, day)
) partition by range (day);
create table packed_day (
  day date not null, readings bigint not null, points int not null, digest numeric not null,
  packed_at timestamptz not null default clock_timestamp(), retired_at timestamptz,
  constraint pk_packed_day primary key (day)
);

-- Every row of an array row. `day` stands in the result so that a condition on it reads only those array rows.
create view reading_unpacked as
  select to_timestamp((p.begin_ms + u.i * p.step_ms + p.unit_ms * coalesce(u.at2::int, u.at4, 0))::float8 / 1000) as ts,
    case when p.divisor is null then coalesce(u.f4::float8, u.f8)
         else (p.base + coalesce(u.v2::int, u.v4, case when p.v2 is null and p.v4 is null then 0 end))::float8 / p.divisor
    end as value,
    p.point_id,
    p.receipt_base + coalesce(u.receipt2::int, u.receipt4, 0) as receipt_id,
    coalesce(u.quality, p.quality) as quality,
    coalesce(u.flag, p.flag) as flag,
    p.delay_base + coalesce(u.delay2::int, u.delay4, 0) as delay_s,
    p.day
  from reading_packed p cross join lateral rows from (
    generate_series(0, p.readings - 1), unnest(p.at2), unnest(p.at4), unnest(p.v2), unnest(p.v4), unnest(p.f4),
    unnest(p.f8), unnest(p.receipt2), unnest(p.receipt4), unnest(p.delay2), unnest(p.delay4),
    unnest(p.qualities), unnest(p.flags)
  ) as u (i, at2, at4, v2, v4, f4, f8, receipt2, receipt4, delay2, delay4, quality, flag);
comment on view reading_unpacked is 'the readings of packed days, one row each, exactly as they were stored';

create view reading_all as
  select ts, value, point_id, receipt_id, quality, flag, delay_s, (ts at time zone 'UTC')::date as day from reading
  union all
  select ts, value, point_id, receipt_id, quality, flag, delay_s, day from reading_unpacked;
comment on view reading_all is 'all readings, packed or not; give a condition on day beside the one on ts';

-- A semi-join and not a list: who asks for one point looks up one point.
create or replace view reading_seen with (security_barrier) as
  select a.ts, a.value, a.point_id, a.receipt_id, a.quality, a.flag, a.delay_s, a.day from reading_all a
  where exists (select from point p where p.id = a.point_id
    and ((select scope_all()) or p.enterprise_id = any ((select scope_enterprises())::int[])
         or p.adcode = any ((select scope_districts())::text[])));

-- A reading's digest; the sum over rows does not depend on their order. -0 and 0 differ in it.
create function reading_digest(ts timestamptz, point_id int, value float8, receipt_id int, quality smallint, flag smallint, delay_s int)
returns bigint language sql immutable parallel safe as
$$ select hash_record_extended(row(ts, point_id, float8send(value), receipt_id, quality, flag, delay_s), 0) $$;

-- Decimals with which whole number / 10^n gives back the very same value; null when none up to 6 does.
create function exact_decimals(v float8) returns int language sql immutable parallel safe as $$
  select case when not abs(v) < 1e9 then case when abs(v) < 1e15 and round(v) = v then 0 end
    when v = 0 and atan2(v, -1) < 0 then null
    when round(v) = v then 0 when round(v * 1e1) / 1e1 = v then 1 when round(v * 1e2) / 1e2 = v then 2
    when round(v * 1e3) / 1e3 = v then 3 when round(v * 1e4) / 1e4 = v then 4
    when round(v * 1e5) / 1e5 = v then 5 when round(v * 1e6) / 1e6 = v then 6 end
$$;

create function reading_part(d date) returns text language sql immutable as $$ select 'reading_' || to_char(d, 'YYYYMMDD') $$;
create function lock_reading_day(d date) returns void language sql as
$$ select pg_advisory_xact_lock(727002, d - date '2000-01-01') $$;
create function share_reading_day(d date) returns void language sql as
$$ select pg_advisory_xact_lock_shared(727002, d - date '2000-01-01') $$;
comment on function share_reading_day(date) is 'held by who adds readings to a day that might be packed meanwhile';

create function pack_reading_day(d date) returns bigint language plpgsql security definer
set search_path = pg_catalog, public set work_mem = '128MB' set enable_hashagg = off as $$
declare part text := reading_part(d); month text := 'reading_packed_' || to_char(d, 'YYYYMM');
        begin_at timestamptz := d::timestamp at time zone 'UTC';
        before_rows bigint; before_digest numeric; old_rows bigint; old_digest numeric; after_rows bigint; after_digest numeric;
begin
  if d > (now() at time zone 'UTC')::date - 3 then
    raise exception 'day_too_young: % closed less than two days ago', d using errcode = 'check_violation';
  end if;
  perform lock_reading_day(d);
  if exists (select from packed_day p where p.day = d and p.retired_at is not null) then
    raise exception 'day_retired: %', d using errcode = 'check_violation';
  end if;
  if exists (select from rollup_due where hour >= begin_at and hour < begin_at + interval '1 day') then
    raise exception 'rollups_due: %', d using errcode = 'check_violation';
  end if;
  if to_regclass('public.' || part) is null then return 0; end if;
  execute format('lock table public.%I in share mode', part);
  if to_regclass('public.' || month) is null then
    execute format('create table public.%I partition of public.reading_packed for values from (%L) to (%L)', month,
      date_trunc('month', d)::date, (date_trunc('month', d) + interval '1 month')::date);
    execute format('comment on table public.%I is %L', month, 'packed readings of ' || to_char(d, 'YYYY-MM'));
  end if;
  execute format('select count(*), coalesce(sum(reading_digest(ts, point_id, value, receipt_id, quality, flag, delay_s)), 0) from public.%I', part)
    into before_rows, before_digest;
  if before_rows = 0 then return 0; end if;
  execute format('select count(*), coalesce(sum(reading_digest(ts, point_id, value, receipt_id, quality, flag, delay_s)), 0)
    from reading_unpacked u where day = $1 and exists (select from public.%I r where r.point_id = u.point_id)', part)
    into old_rows, old_digest using d;
  perform guard.pack_rows(d, part);
  execute format('select count(*), coalesce(sum(reading_digest(ts, point_id, value, receipt_id, quality, flag, delay_s)), 0)
    from reading_unpacked u where day = $1 and exists (select from public.%I r where r.point_id = u.point_id)', part)
    into after_rows, after_digest using d;
  if after_rows <> before_rows + old_rows or after_digest <> before_digest + old_digest then
    raise exception 'packed_differs: % has % rows packed as %', d, before_rows + old_rows, after_rows using errcode = 'data_corrupted';
  end if;
  insert into packed_day as known (day, readings, points, digest)
    values (d, before_rows, (select count(*) from reading_packed p where p.day = d), before_digest)
    on conflict (day) do update set readings = known.readings + excluded.readings, points = excluded.points,
      digest = known.digest + excluded.digest, packed_at = clock_timestamp();
  execute format('truncate public.%I', part);
  return before_rows;
end $$;
comment on function pack_reading_day(date) is 'turn a closed day into array rows; the single rows go only when count and digest agree';

-- The rows of a day's partition, with those array rows that late readings belong to, as array rows.
-- `offset 0` keeps the planner from working out an expression anew for each of its uses.
-- A number that is the same all day stands once; others take the smallest type that gives them back exactly.
create function guard.pack_rows(d date, part text) returns void language plpgsql
set search_path = pg_catalog, public as $body$
begin
  execute format($sql$
    with source as (
      select ts, value, point_id, receipt_id, quality, flag, delay_s from public.%1$I
      union all
      select ts, value, point_id, receipt_id, quality, flag, delay_s from reading_unpacked u
      where day = $1 and exists (select from public.%1$I r where r.point_id = u.point_id)
    ), placed as (
      select *, ms - lag(ms) over one as gap from (
        select point_id, ts, value, receipt_id, quality, flag, delay_s, round(date_part('epoch', ts - $2) * 1000)::int as ms,
          exact_decimals(value) as decimals,
          case when value is null or value = 0 then true
               when abs(value) between 1e-37 and 1e38 then value::real::float8 = value else false end as narrow
        from source offset 0
      ) timed window one as (partition by point_id order by ts)
    ), seen as materialized (
      select point_id, count(*)::int as n, round(date_part('epoch', min(ts)) * 1000)::bigint as begin_ms, min(ms) as ms0, max(ms) as ms1,
        coalesce(mode() within group (order by gap), 0) as step,
        case when bool_and(coalesce(gap, 0) %% 1000 = 0) then 1000 else 1 end as unit,
        case when not bool_or(decimals is null and value is not null) and max(abs(value)) * power(10, max(decimals)) < 1e15
             then power(10, max(decimals))::int end as divisor,
        bool_and(narrow) as narrow, min(value) as low, max(value) as high, count(value) as values,
        min(receipt_id) as r0, max(receipt_id) as r1, min(delay_s) as d0, max(delay_s) as d1,
        min(quality) as q0, max(quality) as q1, min(flag) as f0, max(flag) as f1,
        array_agg(ms) as ms, array_agg(value) as value, array_agg(receipt_id) as receipt, array_agg(delay_s) as delay,
        array_agg(quality) as quality, array_agg(flag) as flag
      from placed group by point_id
    ), known as (
      -- The usual step, unless readings stray so far from it that the mean step keeps them nearer.
      select *, case when abs(ms1 - ms0 - (n - 1)::bigint * step) < 32000 * unit then step
                     else (ms1 - ms0) / greatest(n - 1, 1) / unit * unit end as pace,
        round(low * divisor)::bigint as base, coalesce((high - low) * divisor, 1e18) as width
      from seen
    ), offsets as (
      select *, array(select (each - ms0 - (place::int - 1) * pace) / unit from unnest(ms) with ordinality as u(each, place)) as off
      from known offset 0
    ), arrays as (
      select *, (select min(each) from unnest(off) each) as off0, (select max(each) from unnest(off) each) as off1,
        case when width < 2147483647 and not (width = 0 and values = n)
             then array(select (round(each * divisor)::bigint - base)::int from unnest(value) each) end as whole,
        case when r1 > r0 then array(select each - r0 from unnest(receipt) each) end as receipts,
        case when d1 > d0 then array(select each - d0 from unnest(delay) each) end as delays
      from offsets offset 0
    )
    insert into reading_packed (point_id, day, begin_ms, readings, step_ms, unit_ms, at2, at4, divisor, base, v2, v4, f4, f8,
      receipt_base, receipt2, receipt4, delay_base, delay2, delay4, quality, qualities, flag, flags)
    select point_id, $1, begin_ms, n, pace, unit,
      case when off0 = 0 and off1 = 0 then null when off0 >= -32768 and off1 <= 32767 then off::smallint[] end,
      case when off0 < -32768 or off1 > 32767 then off end,
      case when width < 2147483647 then divisor end, case when width < 2147483647 then base end,
      case when width <= 32767 then whole::smallint[] end, case when width > 32767 then whole end,
      case when width >= 2147483647 and narrow then value::real[] end,
      case when width >= 2147483647 and not narrow then value end,
      r0, case when r1 - r0 <= 32767 then receipts::smallint[] end, case when r1 - r0 > 32767 then receipts end,
      d0, case when d1 - d0 <= 32767 then delays::smallint[] end, case when d1 - d0 > 32767 then delays end,
      q0, case when q1 > q0 then quality end, f0, case when f1 > f0 then flag end
    from arrays
    on conflict (point_id, day) do update set (begin_ms, readings, step_ms, unit_ms, at2, at4, divisor, base, v2, v4, f4, f8,
      receipt_base, receipt2, receipt4, delay_base, delay2, delay4, quality, qualities, flag, flags) =
      (excluded.begin_ms, excluded.readings, excluded.step_ms, excluded.unit_ms, excluded.at2, excluded.at4, excluded.divisor,
       excluded.base, excluded.v2, excluded.v4, excluded.f4, excluded.f8, excluded.receipt_base, excluded.receipt2, excluded.receipt4,
       excluded.delay_base, excluded.delay2, excluded.delay4, excluded.quality, excluded.qualities, excluded.flag, excluded.flags)
  $sql$, part) using d, d::timestamp at time zone 'UTC';
end $body$;
revoke all on function guard.pack_rows(date, text) from public;

create function unpack_reading(point int, d date) returns int language plpgsql security definer
set search_path = pg_catalog, public as $$
declare moved int; lost numeric;
begin
  perform share_reading_day(d);
  perform from reading_packed p where p.point_id = point and p.day = d for update;
  if not found then return 0; end if;
  perform ensure_reading_day(d);
  select coalesce(sum(reading_digest(ts, point_id, value, receipt_id, quality, flag, delay_s)), 0) into lost
    from reading_unpacked u where u.point_id = point and u.day = d;
  insert into reading (ts, value, point_id, receipt_id, quality, flag, delay_s)
    select ts, value, point_id, receipt_id, quality, flag, delay_s from reading_unpacked u where u.point_id = point and u.day = d;
  get diagnostics moved = row_count;
  delete from reading_packed p where p.point_id = point and p.day = d;
  update packed_day p set readings = p.readings - moved, points = p.points - 1, digest = p.digest - lost where p.day = d;
  return moved;
end $$;
comment on function unpack_reading(int, date) is 'give a point''s packed day back as single rows, so that a revised value can replace one';

-- An emptied partition goes when nobody waits for it; a late reading makes it again.
create function drop_emptied_reading_day() returns date language plpgsql security definer
set search_path = pg_catalog, public set lock_timeout = '500ms' as $$
declare d date; full_ boolean;
begin
  for d in select p.day from packed_day p where to_regclass('public.' || reading_part(p.day)) is not null
           and p.packed_at < clock_timestamp() - interval '5 minutes' order by p.day loop
    if not pg_try_advisory_xact_lock(727002, d - date '2000-01-01') then continue; end if;
    begin
      execute format('select exists (select from public.%I)', reading_part(d)) into full_;
      if full_ then continue; end if;
      execute format('drop table public.%I', reading_part(d));
      return d;
    exception when lock_not_available then return null;
    end;
  end loop;
  return null;
end $$;

-- 4. Retirement: the floor of five years stands here and not in a setting ------------------------------
create function reading_day_obstacle(d date, keep_years int) returns text language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare begin_at timestamptz := d::timestamp at time zone 'UTC'; stored bigint := 0; rolled bigint;
begin
  if keep_years < 5 or d >= ((now() at time zone 'UTC')::date - make_interval(years => greatest(keep_years, 5)))::date then return 'too_young'; end if;
  if exists (select from packed_day p where p.day = d and p.retired_at is not null) then return 'retired'; end if;
  if exists (select from rollup_due where hour >= begin_at and hour < begin_at + interval '1 day')
     or exists (select from rollup_day_due u where u.day between d - 1 and d + 1) then return 'rollups_due'; end if;
  if to_regclass('public.' || reading_part(d)) is not null then
    execute format('select count(*) from public.%I', reading_part(d)) into stored;
  end if;
  stored := stored + coalesce((select readings from packed_day p where p.day = d), 0);
  select coalesce(sum(readings), 0) into rolled from reading_hour where hour >= begin_at and hour < begin_at + interval '1 day';
  if rolled <> stored then return 'rollups_differ'; end if;
  return null;
end $$;
comment on function reading_day_obstacle(date, int) is 'why a day of readings may not be retired: too_young, retired, rollups_due, rollups_differ; null when it may';

create function retire_reading_day(d date, keep_years int, kind text, who text) returns bigint language plpgsql security definer
set search_path = pg_catalog, public set lock_timeout = '3s' as $$
declare why text; gone bigint := 0; digest_ numeric; packed bigint; month text := 'reading_packed_' || to_char(d, 'YYYYMM'); full_ boolean;
begin
  perform lock_reading_day(d);
  why := reading_day_obstacle(d, keep_years);
  if why is not null then raise exception '%: %', why, d using errcode = 'check_violation'; end if;
  if to_regclass('public.' || reading_part(d)) is not null then
    execute format('select count(*) from public.%I', reading_part(d)) into gone;
  end if;
  select readings, digest into packed, digest_ from packed_day p where p.day = d;
  delete from reading_packed p where p.day = d;
  if to_regclass('public.' || reading_part(d)) is not null then
    execute format('drop table public.%I', reading_part(d));
  end if;
  if to_regclass('public.' || month) is not null then
    execute format('select exists (select from public.%I)', month) into full_;
    if not full_ then execute format('drop table public.%I', month); end if;
  end if;
  gone := gone + coalesce(packed, 0);
  insert into packed_day (day, readings, points, digest, retired_at) values (d, gone, 0, coalesce(digest_, 0), clock_timestamp())
    on conflict (day) do update set retired_at = excluded.retired_at;
  insert into audit_entry (actor_kind, actor_name, action, object_type, object_id, before)
    values (kind, who, 'readings.retire', 'reading_day', d::text,
            jsonb_build_object('readings', gone, 'digest', coalesce(digest_, 0)::text, 'keep_years', keep_years));
  return gone;
end $$;
comment on function retire_reading_day(date, int, text, text) is 'remove the readings of a day older than the floor; refuses while a roll-up is missing; audited';

create function retirable_reading_days(keep_years int) returns table (day date, readings bigint, obstacle text) language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare part text;
begin
  for day, readings in select p.day, p.readings from packed_day p where p.retired_at is null
  loop
    if day >= ((now() at time zone 'UTC')::date - make_interval(years => greatest(keep_years, 5)))::date then continue; end if;
    obstacle := reading_day_obstacle(day, keep_years);
    return next;
  end loop;
  for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'public.reading'::regclass
  loop
    day := to_date(right(part, 8), 'YYYYMMDD');
    if day >= ((now() at time zone 'UTC')::date - make_interval(years => greatest(keep_years, 5)))::date then continue; end if;
    if exists (select from packed_day p where p.day = retirable_reading_days.day) then continue; end if;
    execute format('select count(*) from public.%I', part) into readings;
    obstacle := reading_day_obstacle(day, keep_years);
    return next;
  end loop;
end $$;

-- 5. Second values of a reading -----------------------------------------------------------------------
create table reading_conflict (
  id bigint generated by default as identity, enterprise_id int not null, point_id int not null, ts timestamptz not null,
  kind text not null, first_value float8, first_quality smallint not null, first_flag smallint not null, first_receipt_id int not null,
  second_value float8, second_quality smallint not null, second_flag smallint not null, second_receipt_id int not null,
  at timestamptz not null default clock_timestamp(),
  constraint pk_reading_conflict primary key (id)
);
create unique index ix_reading_conflict_once on reading_conflict
  (point_id, ts, first_value, first_quality, second_value, second_quality) nulls not distinct where kind = 'refused';
create index ix_reading_conflict_point_id_at on reading_conflict (point_id, at);
create index ix_reading_conflict_second_receipt_id on reading_conflict (second_receipt_id);
create trigger append_only before update or delete on reading_conflict for each row execute function refuse_change();
create trigger never_truncate before truncate on reading_conflict for each statement execute function refuse_change();
alter table reading_conflict enable always trigger append_only;
alter table reading_conflict enable always trigger never_truncate;

-- 6. Row policies and grants -----------------------------------------------------------------------------
do $$
declare t text;
begin
  foreach t in array array['reading_day', 'reading_conflict'] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy in_scope on %I using ((select scope_all()) or point_id in (select id from point))
      with check ((select scope_all()) or point_id in (select id from point))', t);
  end loop;
end $$;
revoke all on function pack_reading_day(date), unpack_reading(int, date), drop_emptied_reading_day(), retire_reading_day(date, int, text, text),
  reading_day_obstacle(date, int), retirable_reading_days(int), lock_reading_day(date), share_reading_day(date) from public;
grant execute on function pack_reading_day(date), unpack_reading(int, date), drop_emptied_reading_day(), retire_reading_day(date, int, text, text),
  reading_day_obstacle(date, int), retirable_reading_days(int), share_reading_day(date) to ranjian_worker;
grant select on reading_packed, packed_day, reading_unpacked, reading_all to ranjian_worker;
grant select on packed_day, reading_day, reading_conflict, rollup_day_due to ranjian_app;
grant select, insert, update on reading_day to ranjian_worker;
grant select, insert, update, delete on rollup_day_due to ranjian_worker;
grant select, insert on reading_conflict to ranjian_worker;
grant usage on sequence reading_conflict_id_seq to ranjian_worker;

-- 7. Comments ---------------------------------------------------------------------------------------------
comment on table reading_day is 'daily roll-up of readings from reading_hour, by calendar day and by gas day';
comment on column reading_day.point_id is 'point.id';
comment on column reading_day.starts_at_h is 'city hour the day begins at: 0 calendar day, else gas day';
comment on column reading_day.day is 'date of the day''s begin';
comment on column reading_day.low is 'smallest valid value';
comment on column reading_day.high is 'largest valid value';
comment on column reading_day.mean is 'mean of valid values';
comment on column reading_day.last is 'last valid value';
comment on column reading_day.readings is 'readings received';
comment on column reading_day.valid is 'of good quality and inside the range';
comment on column reading_day.in_time is 'received within the time limit';
comment on column reading_day.in_limits is 'valid and within low and high limit';
comment on table rollup_day_due is 'days whose roll-up must be recomputed';
comment on column rollup_day_due.day is 'date of the day''s begin';
comment on column rollup_day_due.starts_at_h is 'city hour the day begins at';
comment on column rollup_day_due.since is 'when it fell due';
comment on table reading_packed is 'packed readings, one row a point and UTC day; month partitions; every value comes back exactly';
comment on column reading_packed.point_id is 'point.id';
comment on column reading_packed.day is 'UTC day';
comment on column reading_packed.begin_ms is 'source time of the first reading, ms since 1970';
comment on column reading_packed.readings is 'number of readings';
comment on column reading_packed.step_ms is 'time from one reading to the next, ms';
comment on column reading_packed.unit_ms is 'unit of the deviations from the step, ms';
comment on column reading_packed.at2 is 'deviations from the step, in unit_ms; empty when none';
comment on column reading_packed.at4 is 'the same when they are large';
comment on column reading_packed.divisor is 'value = (base + whole number) / divisor; empty for f4 and f8';
comment on column reading_packed.base is 'smallest value times divisor';
comment on column reading_packed.v2 is 'whole numbers above base; empty when all are 0';
comment on column reading_packed.v4 is 'the same when they are large';
comment on column reading_packed.f4 is 'values that single precision holds exactly';
comment on column reading_packed.f8 is 'other values';
comment on column reading_packed.receipt_base is 'smallest receipt number';
comment on column reading_packed.receipt2 is 'receipt number above receipt_base; empty when all are 0';
comment on column reading_packed.receipt4 is 'the same when they are large';
comment on column reading_packed.delay_base is 'smallest delay, s';
comment on column reading_packed.delay2 is 'delay above delay_base, s; empty when all are 0';
comment on column reading_packed.delay4 is 'the same when they are large';
comment on column reading_packed.quality is 'code quality of all readings';
comment on column reading_packed.qualities is 'code quality of each reading when they differ';
comment on column reading_packed.flag is 'code reading_flag of all readings';
comment on column reading_packed.flags is 'code reading_flag of each reading when they differ';
comment on table packed_day is 'days of readings that are packed as arrays or retired, with count and digest';
comment on column packed_day.day is 'UTC day';
comment on column packed_day.readings is 'number of readings packed or retired';
comment on column packed_day.points is 'number of points packed';
comment on column packed_day.digest is 'sum of reading_digest over the packed readings';
comment on column packed_day.packed_at is 'last packed';
comment on column packed_day.retired_at is 'when its readings were removed';
comment on table reading_conflict is 'second values of readings; insert only';
comment on column reading_conflict.id is 'row number';
comment on column reading_conflict.enterprise_id is 'enterprise that sent it';
comment on column reading_conflict.point_id is 'point.id';
comment on column reading_conflict.ts is 'source time of both values';
comment on column reading_conflict.kind is 'refused: the first value stays; revised: the second replaced it';
comment on column reading_conflict.first_value is 'value that was stored, in the point''s unit';
comment on column reading_conflict.first_quality is 'its code quality';
comment on column reading_conflict.first_flag is 'its code reading_flag';
comment on column reading_conflict.first_receipt_id is 'receipt it came with';
comment on column reading_conflict.second_value is 'value that came later, in the point''s unit';
comment on column reading_conflict.second_quality is 'its code quality';
comment on column reading_conflict.second_flag is 'its code reading_flag';
comment on column reading_conflict.second_receipt_id is 'receipt it came with';
comment on column reading_conflict.at is 'when it was noticed';
