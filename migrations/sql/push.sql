-- A batch of readings in one call: opened, stored, noted and receipted. Runs as ranjian_owner.

-- 1. The parts, without the question for the scope: each caller asks it once ---------------
-- Checking the scope's signature costs as much as the rest of such a part.
create function guard.open_batch(e int, batch text, app text, nonce_sent text, at timestamptz,
  out fresh boolean, out new_receipt bigint, out known_receipt bigint)
language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  fresh := true;
  if nonce_sent is not null then
    insert into nonce_used (app_id, nonce, at) values (app, nonce_sent, open_batch.at) on conflict do nothing;
    fresh := found;
    if not fresh then return; end if;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('batch|' || e || '|' || batch, 0));
  select r.id into known_receipt from receipt r
    where r.enterprise_id = e and r.batch_id = batch and r.status = 'taken';
  if known_receipt is null then new_receipt := nextval('receipt_id_seq'); end if;
end $$;

create function guard.note_readings(e int, received timestamptz, ms bigint[], value float8[], point int[],
  quality smallint[], flag smallint[], hours timestamptz[], fold text)
returns boolean language plpgsql security definer
set search_path = pg_catalog, public as $$
declare waits boolean := fold = 'later'; late timestamptz[];
begin
  -- One writer an enterprise, so that rows never wait crosswise.
  if fold = 'now' then
    perform pg_advisory_xact_lock(7302, e);
  elsif fold = 'soon' then
    waits := not pg_try_advisory_xact_lock(7302, e);
  end if;
  if not waits then
    perform guard.fold_latest(e, received, ms, value, point, quality, flag, hours);
    return false;
  end if;
  -- Packing and retiring go by what is due: only hours of now may wait.
  late := array(select h from unnest(hours) h where h < received - interval '2 hours' order by 1);
  if late <> '{}' then
    insert into rollup_due (hour) select h from unnest(late) h
      on conflict (hour) do update set since = clock_timestamp();
    hours := array(select h from unnest(hours) h where h >= received - interval '2 hours');
  end if;
  insert into latest_due (enterprise_id, received_at, ms, value, point_id, quality, flag, hours)
    values (e, received, ms, value, point, quality, flag, hours);
  return true;
end $$;

create function guard.close_batch(receipt_id bigint, e int, dataset_sent text, batch text, door_used text, body_sm3 text,
  body_bytes bigint, rows_sent int, rows_taken int, rows_known int, rows_refused int, rows_late int, files jsonb,
  crs text, crs_evidence text, app text, at timestamptz, news text)
returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  insert into receipt (id, enterprise_id, dataset, batch_id, door, status, body_sm3, body_bytes, rows, accepted,
      duplicate, rejected, files, crs, crs_evidence, app_id, received_at)
    values (receipt_id, e, dataset_sent, batch, door_used, 'taken', body_sm3, body_bytes, rows_sent, rows_taken,
      rows_known, rows_refused, files, crs, crs_evidence, app, at);
  insert into intake_hour as h (enterprise_id, dataset, hour, batches, rows, accepted, duplicate, rejected, late,
      refused, last_at)
    values (e, dataset_sent, date_trunc('hour', at, 'UTC'), 1, rows_sent, rows_taken, rows_known, rows_refused,
      rows_late, 0, at)
    on conflict (enterprise_id, dataset, hour) do update set batches = h.batches + 1, rows = h.rows + excluded.rows,
      accepted = h.accepted + excluded.accepted, duplicate = h.duplicate + excluded.duplicate,
      rejected = h.rejected + excluded.rejected, late = h.late + excluded.late, last_at = excluded.last_at;
  if news is not null then perform pg_notify('portal_live', news); end if;
end $$;

create or replace function open_batch(e int, batch text, app text, nonce_sent text, at timestamptz)
returns table (fresh boolean, new_receipt bigint, known_receipt bigint) language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
  return query select o.fresh, o.new_receipt, o.known_receipt from guard.open_batch(e, batch, app, nonce_sent, at) o;
end $$;

create or replace function note_readings(e int, received timestamptz, ms bigint[], value float8[], point int[],
  quality smallint[], flag smallint[], hours timestamptz[], fold text)
returns table (remembered int[], waits boolean) language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
  waits := guard.note_readings(e, received, ms, value, point, quality, flag, hours, fold);
  remembered := array(select w.point_id from limit_watch w where w.point_id = any (point));
  return next;
end $$;

create or replace function close_batch(receipt_id bigint, e int, dataset_sent text, batch text, door_used text,
  body_sm3 text, body_bytes bigint, rows_sent int, rows_taken int, rows_known int, rows_refused int, rows_late int,
  files jsonb, crs text, crs_evidence text, app text, at timestamptz, news text)
returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
  perform guard.close_batch(receipt_id, e, dataset_sent, batch, door_used, body_sm3, body_bytes, rows_sent, rows_taken,
    rows_known, rows_refused, rows_late, files, crs, crs_evidence, app, at, news);
end $$;

-- 2. The whole ------------------------------------------------------------------------------
-- Readings lie sorted by point and time, no key twice; `newest` are the places of each point's last, all when null.
-- outcome: taken; replayed: the nonce was used; known: the batch has the receipt returned; collided: the batch is open
-- and nothing of it stored, because a reading is known or its day is missing.
create function take_readings(e int, batch text, door_used text, app text, nonce_sent text, received timestamptz,
  received_ms bigint, body_sm3 text, body_bytes bigint, rows_sent int, rows_known int, rows_refused int, rows_late int,
  tell boolean, ms bigint[], value float8[], point int[], quality smallint[], flag smallint[], newest int[],
  hours timestamptz[], fold text)
returns table (outcome text, receipt bigint, remembered int[], waits boolean) language plpgsql security definer
set search_path = pg_catalog, public as $$
declare batch_open record; news text;
begin
  perform guard.must_hold(e);
  batch_open := guard.open_batch(e, batch, app, nonce_sent, received);
  outcome := case when not batch_open.fresh then 'replayed' when batch_open.known_receipt is not null then 'known'
    else 'taken' end;
  receipt := coalesce(batch_open.known_receipt, batch_open.new_receipt);
  if outcome <> 'taken' then return next; return; end if;
  begin
    insert into reading (ts, value, point_id, receipt_id, quality, flag, delay_s)
      select to_timestamp(n.ms / 1000.0::float8), n.value, n.point, take_readings.receipt, n.quality, n.flag,
        greatest((received_ms - n.ms) / 1000, 0)
      from unnest(take_readings.ms, take_readings.value, take_readings.point, take_readings.quality, take_readings.flag)
        as n(ms, value, point, quality, flag);
  exception when unique_violation or check_violation then
    outcome := 'collided';
    return next;
    return;
  end;
  remembered := array(select w.point_id from limit_watch w where w.point_id = any (point));
  if tell then
    news := json_build_object('kind', 'intake', 'id', receipt, 'e', e, 'd', null);
  end if;
  perform guard.close_batch(receipt, e, 'RT', batch, door_used, body_sm3, body_bytes, rows_sent, cardinality(ms),
    rows_known, rows_refused, rows_late, null, null, null, app, received, news);
  if newest is not null then
    select array_agg(take_readings.ms[n]), array_agg(take_readings.value[n]), array_agg(take_readings.point[n]),
        array_agg(take_readings.quality[n]), array_agg(take_readings.flag[n])
      into take_readings.ms, take_readings.value, take_readings.point, take_readings.quality, take_readings.flag
      from unnest(newest) n;
  end if;
  waits := guard.note_readings(e, received, ms, value, point, quality, flag, hours, fold);
  return next;
end $$;

-- A row of a hundred readings stays whole: laid aside in pieces it costs twice.
alter table latest_due set (toast_tuple_target = 8160);

-- 3. Rights -----------------------------------------------------------------------------------
revoke all on function guard.open_batch(int, text, text, text, timestamptz) from public;
revoke all on function guard.note_readings(int, timestamptz, bigint[], float8[], int[], smallint[], smallint[],
  timestamptz[], text) from public;
revoke all on function guard.close_batch(bigint, int, text, text, text, text, bigint, int, int, int, int, int, jsonb, text,
  text, text, timestamptz, text) from public;
revoke all on function take_readings(int, text, text, text, text, timestamptz, bigint, text, bigint, int, int, int, int,
  boolean, bigint[], float8[], int[], smallint[], smallint[], int[], timestamptz[], text) from public;
grant execute on function take_readings(int, text, text, text, text, timestamptz, bigint, text, bigint, int, int, int, int,
  boolean, bigint[], float8[], int[], smallint[], smallint[], int[], timestamptz[], text) to ranjian_worker;
comment on function take_readings(int, text, text, text, text, timestamptz, bigint, text, bigint, int, int, int, int,
  boolean, bigint[], float8[], int[], smallint[], smallint[], int[], timestamptz[], text)
  is 'opens a batch of readings, stores, notes and receipts it; says what came of it, and the remembered points among it';

-- 4. Newest values of many points: the scope is asked once, not once for the point and again for its value ----
create view latest_seen with (security_barrier) as
  select l.point_id, l.ts, l.value, l.quality, l.flag, p.enterprise_id, p.adcode, p.status
  from latest l join point p on p.id = l.point_id
  where (select scope_all()) or p.enterprise_id = any ((select scope_enterprises())::int[])
     or p.adcode = any ((select scope_districts())::text[]);
comment on view latest_seen is 'newest readings of the points in scope, for many points at once';
grant select on latest_seen to ranjian_app, ranjian_worker;
