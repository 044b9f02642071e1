-- Hourly figures in month partitions, and their retirement. Runs as ranjian_owner.

-- 1. The table there is becomes the first partition: nothing is copied, one look over it proves its bound --
alter table reading_hour rename to reading_hour_first;
alter table reading_hour_first rename constraint pk_reading_hour to pk_reading_hour_first;
alter index ix_reading_hour_hour rename to ix_reading_hour_first_hour;
drop policy in_scope on reading_hour_first;
alter table reading_hour_first disable row level security;
revoke all on reading_hour_first from ranjian_app, ranjian_worker;
create table reading_hour (like reading_hour_first including defaults including comments) partition by range (hour);
alter table reading_hour add constraint pk_reading_hour primary key (point_id, hour);
create index ix_reading_hour_hour on reading_hour using brin (hour) with (pages_per_range = 32, autosummarize = on);
comment on table reading_hour is 'hourly roll-up of readings, partitioned by UTC month; recomputed when late rows arrive';
alter table reading_hour enable row level security;
create policy in_scope on reading_hour using ((select scope_all()) or point_id in (select id from point));
grant select on reading_hour to ranjian_app;
grant select, insert, update on reading_hour to ranjian_worker;
do $$
declare newest timestamptz;
begin
  set local statement_timeout = 0;
  select max(hour) into newest from reading_hour_first;
  if newest is null then
    drop table reading_hour_first;
    return;
  end if;
  execute format('alter table reading_hour attach partition reading_hour_first for values from (minvalue) to (%L)',
    (date_trunc('month', newest at time zone 'UTC') + interval '1 month') at time zone 'UTC');
  comment on table reading_hour_first is 'hourly figures from before there were months';
end $$;

-- 2. Months are made ahead, and by whoever rolls up an hour of a month that is not there -------------------
create function reading_hour_ends(part oid) returns timestamptz language sql stable as $$
  select substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz from pg_class c where c.oid = part
$$;
create function reading_hour_parts() returns table (part name, ends timestamptz) language sql stable as $$
  select c.relname, reading_hour_ends(c.oid) from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.reading_hour'::regclass
$$;

create function ensure_reading_month(d date) returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
declare month date := date_trunc('month', d); name_ text := 'reading_hour_' || to_char(d, 'YYYYMM');
begin
  if to_regclass('public.' || name_) is not null then return; end if;
  if exists (select from reading_hour_parts() p where p.part = 'reading_hour_first' and month::timestamp at time zone 'UTC' < p.ends) then return; end if;
  perform pg_advisory_xact_lock(727004, month - date '2000-01-01');
  begin
    execute format('create table public.%I (like public.reading_hour including defaults including comments)', name_);
    execute format('alter table public.reading_hour attach partition public.%I for values from (%L) to (%L)', name_,
      month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
    execute format('comment on table public.%I is %L', name_, 'hourly figures of ' || to_char(d, 'YYYY-MM'));
  exception when duplicate_table then null;
  end;
end $$;

select ensure_reading_month((now() + make_interval(months => n))::date) from generate_series(-3, 1) as n;

-- 3. Retirement: what hours leave behind are their days; the floor of seven years lies beyond what late rows may reach --
create function reading_month_obstacle(part_ name, keep_years int) returns text language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare ends_ timestamptz; last_day date; missing boolean;
begin
  select p.ends into ends_ from reading_hour_parts() p where p.part = part_;
  if ends_ is null then return 'unknown'; end if;
  if keep_years < 7 or ends_ > now() - make_interval(years => greatest(keep_years, 7)) then return 'too_young'; end if;
  last_day := (ends_ at time zone 'UTC')::date;
  if exists (select from rollup_due where hour < ends_) or exists (select from rollup_day_due u where u.day <= last_day) then return 'rollups_due'; end if;
  if exists (select from packed_day p where p.day < last_day and p.retired_at is null)
     or exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = 'public.reading'::regclass and to_date(right(c.relname, 8), 'YYYYMMDD') < last_day) then return 'readings_kept'; end if;
  execute format($q$select exists (select from (select distinct point_id, (hour at time zone 'Asia/Shanghai')::date as day from public.%I) h
    where not exists (select from reading_day d where d.point_id = h.point_id and d.starts_at_h = 0 and d.day = h.day))$q$, part_) into missing;
  if missing then return 'days_missing'; end if;
  return null;
end $$;

create function retirable_reading_months(keep_years int) returns table (part name, ends timestamptz, obstacle text) language plpgsql stable security definer
set search_path = pg_catalog, public as $$
begin
  for part, ends in select p.part, p.ends from reading_hour_parts() p
      where p.ends <= now() - make_interval(years => greatest(keep_years, 7)) order by p.ends loop
    obstacle := reading_month_obstacle(part, keep_years);
    return next;
  end loop;
end $$;

create function retire_reading_month(part_ name, keep_years int, kind text, who text) returns bigint language plpgsql security definer
set search_path = pg_catalog, public set lock_timeout = '3s' as $$
declare why text := reading_month_obstacle(part_, keep_years); gone bigint;
begin
  if why is not null then raise exception '%: %', why, part_ using errcode = 'check_violation'; end if;
  execute format('select count(*) from public.%I', part_) into gone;
  execute format('drop table public.%I', part_);
  insert into audit_entry (actor_kind, actor_name, action, object_type, object_id, before)
    values (kind, who, 'readings.retire', 'reading_month', part_, jsonb_build_object('hours', gone, 'keep_years', keep_years));
  return gone;
end $$;

-- 4. An emptied day goes when nobody waits for it; one that is locked does not keep the others ---------------
-- The parent is asked for once and before its days, as every reader asks: waiting for it again and again would hold up the intake.
create or replace function drop_emptied_reading_day() returns date language plpgsql security definer
set search_path = pg_catalog, public set lock_timeout = '500ms' as $$
declare days date[]; d date; full_ boolean;
begin
  select array_agg(p.day order by p.day) into days from packed_day p
    where to_regclass('public.' || reading_part(p.day)) is not null and p.packed_at < clock_timestamp() - interval '5 minutes';
  if days is null then return null; end if;
  begin
    lock table only public.reading in access exclusive mode;
  exception when lock_not_available then return null;
  end;
  foreach d in array days loop
    if not pg_try_advisory_xact_lock(727002, d - date '2000-01-01') then continue; end if;
    begin
      execute format('lock table public.%I in access exclusive mode nowait', reading_part(d));
      execute format('select exists (select from public.%I)', reading_part(d)) into full_;
      if full_ then continue; end if;
      execute format('drop table public.%I', reading_part(d));
      return d;
    exception when lock_not_available then null;
    end;
  end loop;
  return null;
end $$;

revoke all on function reading_hour_ends(oid), reading_hour_parts(), ensure_reading_month(date), reading_month_obstacle(name, int),
  retirable_reading_months(int), retire_reading_month(name, int, text, text) from public;
grant execute on function ensure_reading_month(date), retirable_reading_months(int), retire_reading_month(name, int, text, text) to ranjian_worker;
