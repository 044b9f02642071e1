-- The SM3 of every ledger row, set by the database itself when the row is inserted.
--
-- Canonical text of a row: for each column that is not null, in alphabetical order and without
-- row_sm3: name=bytes:value, joined by chr(31). Bytes is the length of the value in UTF-8, so that
-- no value can pass for two columns. Null columns are left out: a column added later does not
-- change the digest of older rows. No setting of a session (time zone, float digits) has a part in it.
--   timestamptz  microseconds since 1970 as an integer
--   geometry     EWKB in hex
--   float        IEEE 754 bytes in hex
--   bytea        hex
--   date         YYYY-MM-DD
--   others       the type's own text (jsonb: keys in its stored order)
-- Parameters: none. Run by the migrations, again after a column was added to a ledger.
-- Needs pgcrypto (digest) and PostGIS in the search path.

create or replace function ledger_column_text(type_name text, column_name text) returns text
language sql immutable as $$
    select case type_name
        when 'timestamptz' then format('(extract(epoch from (r).%I) * 1000000)::bigint::text', column_name)
        when 'geometry' then format('encode(ST_AsEWKB((r).%I), ''hex'')', column_name)
        when 'float8' then format('encode(float8send((r).%I), ''hex'')', column_name)
        when 'float4' then format('encode(float4send((r).%I), ''hex'')', column_name)
        when 'bytea' then format('encode((r).%I, ''hex'')', column_name)
        when 'date' then format('to_char((r).%I, ''YYYY-MM-DD'')', column_name)
        else format('(r).%I::text', column_name)
    end
$$;
comment on function ledger_column_text(text, text) is
    'SQL expression that gives one column of row r as text, independent of session settings';

create or replace function ledger_make_canonical(ledger regclass) returns void
language plpgsql as $$
declare
    parts text;
begin
    select string_agg(
        format(
            'case when (r).%1$I is not null then %2$L || octet_length(%3$s) || '':'' || %3$s end',
            a.attname, a.attname || '=', ledger_column_text(t.typname, a.attname)
        ),
        E',\n        ' order by a.attname collate "C"
    ) into parts
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = ledger and a.attnum > 0 and not a.attisdropped and a.attname <> 'row_sm3';
    execute format(
        'create or replace function ledger_canonical(r %1$s) returns text language sql stable as '
        '$made$ select concat_ws(chr(31), %2$s) $made$', ledger, parts
    );
    execute format(
        'comment on function ledger_canonical(%s) is %L', ledger, 'text over which row_sm3 is computed'
    );
end
$$;
comment on function ledger_make_canonical(regclass) is
    'Makes ledger_canonical(row) for a ledger from its present columns';

select ledger_make_canonical('audit_entry');
select ledger_make_canonical('alarm');
select ledger_make_canonical('alarm_event');
select ledger_make_canonical('receipt');

create or replace function ledger_row_digest() returns trigger
language plpgsql as $$
begin
    -- The sealer trusts xid: whoever writes may not choose it.
    new.xid := pg_current_xact_id();
    new.row_sm3 := digest(convert_to(ledger_canonical(new), 'UTF8'), 'sm3');
    return new;
end
$$;
comment on function ledger_row_digest() is
    'Trigger of the ledgers: sets the writing transaction and the SM3 of the row';

create or replace trigger ledger_row_digest before insert on audit_entry
    for each row execute function ledger_row_digest();
create or replace trigger ledger_row_digest before insert on alarm
    for each row execute function ledger_row_digest();
create or replace trigger ledger_row_digest before insert on alarm_event
    for each row execute function ledger_row_digest();
create or replace trigger ledger_row_digest before insert on receipt
    for each row execute function ledger_row_digest();

alter table audit_entry enable always trigger ledger_row_digest;
alter table alarm enable always trigger ledger_row_digest;
alter table alarm_event enable always trigger ledger_row_digest;
alter table receipt enable always trigger ledger_row_digest;
