"""A batch is opened, its readings noted and its receipt written in one round trip each."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# The row policies of `latest` and `receipt` would weigh every point of the enterprise in each batch:
# these functions run as the owner and ask for the scope once instead.
FUNCTIONS = (
    """
create function guard.must_hold(e int) returns void language plpgsql stable security definer
set search_path = pg_catalog, public as $$
begin
  if not (public.scope_all() or e = any (public.scope_enterprises())) then
    raise exception 'enterprise % is outside the scope', e using errcode = 'insufficient_privilege';
  end if;
end $$
""",
    """
create function open_batch(e int, batch text, app text, nonce_sent text, at timestamptz)
returns table (fresh boolean, new_receipt bigint, known_receipt bigint) language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
  fresh := true;
  if nonce_sent is not null then
    insert into nonce_used (app_id, nonce, at) values (app, nonce_sent, open_batch.at) on conflict do nothing;
    fresh := found;
    if not fresh then return next; return; end if;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('batch|' || e || '|' || batch, 0));
  select r.id into known_receipt from receipt r
    where r.enterprise_id = e and r.batch_id = batch and r.status = 'taken';
  if known_receipt is null then new_receipt := nextval('receipt_id_seq'); end if;
  return next;
end $$
""",
    """
create function note_readings(e int, received timestamptz, ms bigint[], value float8[], point int[],
  quality smallint[], flag smallint[], hours timestamptz[])
returns int[] language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
  -- One writer an enterprise, so that rows never wait crosswise.
  perform pg_advisory_xact_lock(7302, e);
  insert into latest as old (ts, value, point_id, quality, flag, received_at)
    select to_timestamp(n.ms / 1000.0), n.value, n.point, n.quality, n.flag, received
    from unnest(note_readings.ms, note_readings.value, note_readings.point, note_readings.quality, note_readings.flag)
      as n(ms, value, point, quality, flag)
    join point p on p.id = n.point and p.enterprise_id = e
    on conflict (point_id) do update set ts = excluded.ts, value = excluded.value, quality = excluded.quality,
      flag = excluded.flag, received_at = excluded.received_at
    where old.ts < excluded.ts;
  insert into rollup_due (hour) select h from unnest(hours) h order by 1
    on conflict (hour) do update set since = clock_timestamp();
  return array(select w.point_id from limit_watch w join point p on p.id = w.point_id where p.enterprise_id = e);
end $$
""",
    """
create function close_batch(receipt_id bigint, e int, dataset_sent text, batch text, door_used text, body_sm3 text,
  body_bytes bigint, rows_sent int, rows_taken int, rows_known int, rows_refused int, rows_late int, files jsonb,
  crs text, crs_evidence text, app text, at timestamptz, news text)
returns void language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  perform guard.must_hold(e);
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
end $$
""",
)
SIGNATURES = (
    "open_batch(int, text, text, text, timestamptz)",
    "note_readings(int, timestamptz, bigint[], float8[], int[], smallint[], smallint[], timestamptz[])",
    "close_batch(bigint, int, text, text, text, text, bigint, int, int, int, int, int, jsonb, text, text, text,"
    " timestamptz, text)",
)
WORDS = (
    "uses the nonce, locks the batch number, and returns its receipt or a fresh number",
    "renews the newest values, asks for roll-ups, and returns the points the limit check remembers",
    "writes the receipt of a judged batch, counts it and tells the listeners",
)


def upgrade() -> None:
    """Apply."""
    run = op.get_bind().exec_driver_sql
    for function in FUNCTIONS:
        run(function.replace("%", "%%"))
    run("revoke all on function guard.must_hold(int) from public")
    for signature, words in zip(SIGNATURES, WORDS, strict=True):
        run(f"revoke all on function {signature} from public")
        run(f"grant execute on function {signature} to ranjian_worker")
        run(f"comment on function {signature} is '{words}'")
