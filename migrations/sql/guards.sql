-- Row scope, append-only ledgers, history, partitions and grants. Runs as ranjian_owner.

-- 1. The signed scope -----------------------------------------------------------------
create table guard.secret (only_row boolean primary key default true check (only_row), scope_key text not null);
revoke all on guard.secret from public;

create function guard.scope_words() returns text language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare words text := current_setting('app.scope', true);
        mac text := current_setting('app.scope_mac', true);
        key text;
begin
  if words is null or words = '' or mac is null then return ''; end if;
  select scope_key into key from guard.secret;
  if key is null then return ''; end if;
  if encode(public.hmac(convert_to(words || '|' || pg_backend_pid(), 'UTF8'), convert_to(key, 'UTF8'), 'sm3'), 'hex') <> mac then
    return '';
  end if;
  return words;
end $$;
revoke all on function guard.scope_words() from public;

create function scope_all() returns boolean language sql stable security definer
set search_path = pg_catalog, public as $$ select guard.scope_words() = '*' $$;

create function scope_enterprises() returns int[] language sql stable security definer
set search_path = pg_catalog, public as $$
  select coalesce(string_to_array(substring(guard.scope_words() from 'e:([0-9,]+)'), ',')::int[], '{}'::int[])
$$;

create function scope_districts() returns text[] language sql stable security definer
set search_path = pg_catalog, public as $$
  select coalesce(string_to_array(substring(guard.scope_words() from 'd:([0-9,]+)'), ','), '{}'::text[])
$$;
comment on function scope_all() is 'whether this transaction carries a valid scope over the whole city';
comment on function scope_enterprises() is 'enterprises of this transaction''s valid scope';
comment on function scope_districts() is 'districts of this transaction''s valid scope';

-- 2. Row policies ----------------------------------------------------------------------
do $$
declare t text;
begin
  foreach t in array array['gas_node','gas_pipe','gas_valve','gas_regulator','gas_station','gas_user','point'] loop
    execute format('create table %I (like %I including comments)', t || '_history', t);
    execute format('create index on %I (id, valid_to)', t || '_history');
    execute format('comment on table %I is %L', t || '_history', 'former states of ' || t || ', written by trigger');
  end loop;
  foreach t in array array['gas_node','gas_pipe','gas_valve','gas_regulator','gas_station','gas_user','point',
      'gas_node_history','gas_pipe_history','gas_valve_history','gas_regulator_history','gas_station_history','gas_user_history','point_history',
      'alarm','alarm_event','alarm_now','supervision_case','case_step'] loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy in_scope on %I using (
      (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[])
      or adcode = any ((select scope_districts())::text[]))
      with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[])
      or adcode = any ((select scope_districts())::text[]))$p$, t);
  end loop;
  foreach t in array array['daily_supply','receipt','rejection','intake_hour','import_job','report'] loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy in_scope on %I using (
      (select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))
      with check ((select scope_all()) or enterprise_id = any ((select scope_enterprises())::int[]))$p$, t);
  end loop;
  foreach t in array array['latest','reading_hour','limit_watch'] loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy in_scope on %I using (
      (select scope_all()) or point_id in (select id from point))$p$, t);
  end loop;
end $$;

-- 3. History ---------------------------------------------------------------------------
create function keep_history() returns trigger language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  if old is not distinct from new then return new; end if;
  old.valid_to := now();
  execute format('insert into public.%I select ($1).*', tg_table_name || '_history') using old;
  new.valid_from := now();
  return new;
end $$;

do $$
declare t text; cols text;
begin
  foreach t in array array['gas_node','gas_pipe','gas_valve','gas_regulator','gas_station','gas_user','point'] loop
    select string_agg(quote_ident(attname), ', ') into cols from pg_attribute
      where attrelid = t::regclass and attnum > 0 and not attisdropped
        and attname not in ('id','component','fed','receipt_id','valid_from','valid_to','m','object_id','object_type');
    execute format('create trigger keep_history before update of %s on %I for each row execute function keep_history()', cols, t);
  end loop;
end $$;

-- 4. Ledgers: nothing is ever changed or removed ------------------------------------------
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed or removed', tg_table_name using errcode = 'insufficient_privilege';
end $$;

do $$
declare t text;
begin
  foreach t in array array['alarm','alarm_event','audit_entry','ledger_seal','receipt','rejection','case_step','report'] loop
    execute format('create trigger append_only before update or delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger never_truncate before truncate on %I for each statement execute function refuse_change()', t);
    execute format('alter table %I enable always trigger append_only', t);
    execute format('alter table %I enable always trigger never_truncate', t);
  end loop;
end $$;

-- 5. Users on a Morton curve: a tile is one range -----------------------------------------
create function morton24(lon double precision, lat double precision) returns bigint language plpgsql immutable parallel safe as $$
declare x bigint; y bigint; n constant double precision := 16777216; s double precision;
begin
  s := sin(radians(least(greatest(lat, -85.05), 85.05)));
  x := least(greatest(floor((lon + 180) / 360 * n), 0), n - 1);
  y := least(greatest(floor((0.5 - ln((1 + s) / (1 - s)) / (4 * pi())) * n), 0), n - 1);
  x := (x | (x << 16)) & 281470681808895;      x := (x | (x << 8)) & 71777214294589695;
  x := (x | (x << 4)) & 1085102592571150095;   x := (x | (x << 2)) & 3689348814741910323;
  x := (x | (x << 1)) & 6148914691236517205;
  y := (y | (y << 16)) & 281470681808895;      y := (y | (y << 8)) & 71777214294589695;
  y := (y | (y << 4)) & 1085102592571150095;   y := (y | (y << 2)) & 3689348814741910323;
  y := (y | (y << 1)) & 6148914691236517205;
  return x | (y << 1);
end $$;
comment on function morton24(double precision, double precision) is 'Morton code of a place at zoom 24; tile z/x/y is the range of its code shifted by 2(24-z) bits';

create function set_morton() returns trigger language plpgsql as $$
begin
  new.m := morton24(st_x(new.geom), st_y(new.geom));
  return new;
end $$;
create trigger set_morton before insert or update of geom on gas_user for each row execute function set_morton();

-- 6. Readings: the key serves curves, the partitions are days ------------------------------
alter table reading drop constraint pk_reading;
alter table reading add constraint pk_reading primary key (point_id, ts) include (value, quality, flag);

create function ensure_reading_day(d date) returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
declare part text := 'reading_' || to_char(d, 'YYYYMMDD');
begin
  if to_regclass('public.' || part) is not null then return; end if;
  perform pg_advisory_xact_lock(727001, d - date '2000-01-01');
  if to_regclass('public.' || part) is not null then return; end if;
  execute format('create table public.%I (like public.reading including defaults including comments)', part);
  execute format('alter table public.reading attach partition public.%I for values from (%L) to (%L)',
                 part, d::timestamp at time zone 'UTC', (d + 1)::timestamp at time zone 'UTC');
  execute format('comment on table public.%I is %L', part, 'readings of ' || d);
end $$;
revoke all on function ensure_reading_day(date) from public;
grant execute on function ensure_reading_day(date) to ranjian_worker;

create view reading_seen with (security_barrier) as
  select r.* from reading r
  where (select scope_all())
     or r.point_id in (select p.id from point p
                       where p.enterprise_id = any ((select scope_enterprises())::int[])
                          or p.adcode = any ((select scope_districts())::text[]));
comment on view reading_seen is 'readings of the points in scope; the only way the web role reads them';

-- 7. Search --------------------------------------------------------------------------------
create index ix_gas_pipe_code_trgm on gas_pipe using gin (src_code gin_trgm_ops);
create index ix_gas_user_code_trgm on gas_user using gin (src_code gin_trgm_ops);
create index ix_point_code_trgm on point using gin (src_code gin_trgm_ops);

-- 8. Grants ----------------------------------------------------------------------------------
grant select, insert, update on all tables in schema public to ranjian_app, ranjian_worker;
grant delete on nonce_used, rollup_due, limit_watch to ranjian_app, ranjian_worker;
revoke update on alarm, alarm_event, audit_entry, ledger_seal, receipt, rejection, case_step, report from ranjian_app, ranjian_worker;
revoke all on reading from ranjian_app;
revoke insert, update on base_district, base_road, base_water, base_green, base_building, dict_entry, reading_hour, latest from ranjian_app;
do $$
declare t text;
begin
  foreach t in array array['gas_node','gas_pipe','gas_valve','gas_regulator','gas_station','gas_user','point'] loop
    execute format('revoke all on %I from ranjian_app, ranjian_worker', t || '_history');
    execute format('grant select on %I to ranjian_app, ranjian_worker', t || '_history');
  end loop;
end $$;
revoke all on alembic_version from ranjian_app, ranjian_worker;
grant select on alembic_version to ranjian_app, ranjian_worker;
