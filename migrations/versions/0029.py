"""Search in pinyin without a full scan: readings of signs, names of streets and things, one function; kept map places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pypinyin.contrib.tone_convert import to_normal
from pypinyin.pinyin_dict import pinyin_dict

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

FIRST_SIGN, LAST_SIGN = 0x3400, 0x9FFF
READINGS_MOST = 3
NAMED = (
    ("gas_pipe", "name"), ("gas_station", "name"), ("gas_valve", "name"), ("gas_regulator", "name"),
    ("gas_user", "address"), ("point", "name"), ("base_road", "name"), ("base_district", "name_zh"),
)  # fmt: skip
FUNCTIONS = r"""
create function name_head(words text) returns text language sql immutable parallel safe as $$
  select btrim(regexp_replace(lower(btrim(words)), '[0-9０-９]+\s*(号(?:[^路线街]|$)|[栋幢弄座段室单楼#-]|$).*$', ''))
$$;
create function name_stem(words text) returns text language plpgsql immutable parallel safe as $$
declare h text := name_head(words);
begin
  return case when length(h) >= 2 then left(h, 60) else left(lower(btrim(words)), 60) end;
end $$;
comment on function name_head(text) is 'a name or address in small letters up to the number of a house, a segment or a thing';
comment on function name_stem(text) is 'the head of a name or address, all of it where the head says nothing';

create function pinyin_of(words text) returns text language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare
  whole text[] := array[''];
  initial text[] := array[''];
  read text[];
  one text;
begin
  foreach one in array string_to_array(lower(words), null) loop
    select readings into read from pinyin_sign where sign = one;
    if read is null then
      continue when one !~ '[a-z0-9]';
      read := array[one];
    end if;
    select array_agg(b) into whole from (select w || r as b from unnest(whole) w, unnest(read) r limit 8) x;
    select array_agg(b) into initial
      from (select distinct i || left(r, 1) as b from unnest(initial) i, unnest(read) r limit 8) x;
  end loop;
  return ' ' || array_to_string(whole || initial, ' ');
end $$;
comment on function pinyin_of(text) is 'readings of words without tones, then their initials, each after a space; at most eight of each';

create function note_names() returns trigger language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  execute format('insert into search_name (name, pinyin) select s, pinyin_of(s)
    from (select distinct name_stem(%1$I) as s from fresh where %1$I is not null) x
    where s <> '''' and not exists (select 1 from search_name k where k.name = s)', tg_argv[0]);
  return null;
end $$;
create function note_name() returns trigger language plpgsql security definer
set search_path = pg_catalog, public as $$
declare s text := name_stem(to_jsonb(new) ->> tg_argv[0]);
begin
  if s <> '' and not exists (select 1 from search_name k where k.name = s) then
    insert into search_name (name, pinyin) values (s, pinyin_of(s));
  end if;
  return null;
end $$;
comment on function note_names() is 'lets search know the names of new rows; column in the first argument';
comment on function note_name() is 'lets search know a changed name; column in the first argument';

create function stems_of(words text, most integer) returns text[] language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare
  low text := lower(btrim(words));
  head text := name_head(low);
  sound text := regexp_replace(head, '[\s''’·-]', '', 'g');
  anywhere text := '%' || replace(replace(replace(head, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  found text[];
begin
  if length(head) < 2 then return '{}'; end if;
  select array_agg(name) into found from (
    select name, min(fit) as fit from (
      (select name, case when name = head then 0 when starts_with(name, head) then 1 else 2 end as fit
        from search_name where name like anywhere order by 2, length(name), name limit most)
      union all
      (select name, case when pinyin like '% ' || sound || ' %' or pinyin like '% ' || sound then 3
          when pinyin like '% ' || sound || '%' then 4 else 5 end
        from search_name
        where sound ~ '^[a-z0-9]{2,40}$' and sound ~ '[a-z]{2}' and pinyin like case when length(sound) > 2 then '%' else '% ' end || sound || '%'
        order by 2, length(name), name limit most)
    ) x group by name order by 2, length(name), name limit most) y;
  return coalesce(found, '{}');
end $$;
comment on function stems_of(text, integer) is 'names known to search that hold the words, or their pinyin, best first';

create function search_among(kind text, words text, most integer, stems text[])
returns table (id bigint, fit integer) language plpgsql stable security definer
set search_path = pg_catalog, public as $$
declare
  low text := lower(btrim(words));
  tail text := btrim(substr(low, length(name_head(low)) + 1));
  anywhere text := '%' || replace(replace(replace(words, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  within boolean := words ~ '\w{3}';  -- what has no three signs in a row has no trigram either
  few integer := least(greatest(most, 0), 500);
  everything boolean := scope_all();
  owners int[] := scope_enterprises();
  districts text[] := scope_districts();
begin
  if low is null or low = '' then return; end if;
  case kind
    {dispatch}
    else return;
  end case;
end $$;
comment on function search_among(text, text, integer, text[]) is
  'numbers of objects of a layer within the signed scope whose code, name or address fits words or begins with a stem';

create function search_layer(kind text, words text, most integer)
returns table (id bigint, fit integer) language sql stable security definer
set search_path = pg_catalog, public as $$ select * from search_among(kind, words, most, stems_of(words, 40)) $$;
comment on function search_layer(text, text, integer) is
  'numbers of objects of a layer within the signed scope that fit, in Chinese or pinyin, best first';

drop function search_network(text, integer);
create function search_network(words text, most integer)
returns table (layer text, id bigint, fit integer) language sql stable security definer
set search_path = pg_catalog, public as $$
  with known as materialized (select stems_of(words, 40) as stems)
  select kind, hit.id, hit.fit from known, unnest(array['pipe', 'station', 'valve', 'regulator', 'user']) kind
  cross join lateral search_among(kind, words, least(greatest(most, 0), 100), known.stems) hit
$$;
comment on function search_network(text, integer) is
  'numbers of network objects within the signed scope whose code, name or address fits, best first in each layer';
"""
# One function a layer with its statement written out, so that a connection plans it once; without a full scan, for a
# plan made for any words would else read all rows of what is rare.
IN_LAYER = """
create function search_in_{kind}(a_low text, a_tail text, a_anywhere text, a_stems text[], a_most integer, a_within boolean,
  a_everything boolean, a_owners int[], a_districts text[])
returns table (id bigint, fit integer) language plpgsql stable security definer
set search_path = pg_catalog, public set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
begin
  return query
  with hit as (
    (select t.id, t.src_code, case when lower(t.src_code) = a_low then 0 else 1 end as fit from {table} t
      where lower(t.src_code) ~>=~ a_low and lower(t.src_code) ~<~ (a_low || chr(1114111)) and t.status <> 7
        and (a_everything or t.enterprise_id = any(a_owners) or t.adcode = any(a_districts))
      order by lower(t.src_code) using ~<~ limit a_most)
    union all
    (select t.id, t.src_code, 2 from {table} t
      where lower(t.{named}) ~>=~ a_low and lower(t.{named}) ~<~ (a_low || chr(1114111)) and t.status <> 7
        and (a_everything or t.enterprise_id = any(a_owners) or t.adcode = any(a_districts))
      order by lower(t.{named}) using ~<~ limit a_most)
    union all
    (select t.id, t.src_code, 2 + s.place::integer from unnest(a_stems) with ordinality s(stem, place)
      cross join lateral (select t.id, t.src_code from {table} t
        where lower(t.{named}) ~>=~ (s.stem || a_tail) and lower(t.{named}) ~<~ (s.stem || a_tail || chr(1114111))
          and t.status <> 7 and (a_everything or t.enterprise_id = any(a_owners) or t.adcode = any(a_districts))
        order by lower(t.{named}) using ~<~ limit a_most) t
      limit a_most)
    union all
    (select t.id, t.src_code, 90 from {table} t
      where a_within and t.src_code ilike a_anywhere and t.status <> 7
        and (a_everything or t.enterprise_id = any(a_owners) or t.adcode = any(a_districts))
      limit a_most)
    {more})
  select hit.id::bigint, min(hit.fit) from hit group by hit.id, hit.src_code order by 2, hit.src_code limit a_most;
end $$;
revoke all on function search_in_{kind}(text, text, text, text[], integer, boolean, boolean, int[], text[]) from public;
"""
IN_NAME = """union all
    (select t.id, t.src_code, 91 from {table} t
      where a_within and t.name ilike a_anywhere and t.status <> 7
        and (a_everything or t.enterprise_id = any(a_owners) or t.adcode = any(a_districts))
      limit a_most)"""
KINDS = ("pipe", "station", "valve", "regulator", "user", "sensor")
ARGUMENTS = "low, tail, anywhere, stems, few, within, everything, owners, districts"
DISPATCH = "\n    ".join(f"when '{kind}' then return query select * from search_in_{kind}({ARGUMENTS});" for kind in KINDS)
CALLED = ("search_among(text, text, integer, text[])", "search_layer(text, text, integer)", "search_network(text, integer)", "stems_of(text, integer)")
INNER = ("note_names()", "note_name()", "pinyin_of(text)")
INDEXES = """
create index ix_search_name_pinyin_trgm on search_name using gin (pinyin gin_trgm_ops) with (fastupdate = off);
create index ix_search_name_name_trgm on search_name using gin (name gin_trgm_ops) with (fastupdate = off);
"""
EVERYWHERE = """
create index if not exists ix_{table}_code_begin on {table} (lower(src_code) text_pattern_ops);
create index if not exists ix_{table}_name_begin on {table} (lower(name) text_pattern_ops);
create index if not exists ix_{table}_code_trgm on {table} using gin (src_code gin_trgm_ops);
create index if not exists ix_{table}_name_trgm on {table} using gin (name gin_trgm_ops);
"""
TRIGGERS = """
create trigger note_names after insert on {table} referencing new table as fresh
  for each statement execute function note_names('{column}');
create trigger note_name after update of {column} on {table} for each row
  when (new.{column} is not null and old.{column} is distinct from new.{column}) execute function note_name('{column}');
insert into search_name (name, pinyin) select s, pinyin_of(s)
  from (select distinct name_stem({column}) as s from {table} where {column} is not null) x
  where s <> '' and not exists (select 1 from search_name k where k.name = s);
"""


def upgrade() -> None:
    """Apply."""
    _tables()
    run = op.get_bind().exec_driver_sql
    for kind in KINDS:
        table = "point" if kind == "sensor" else f"gas_{kind}"
        named, more = ("address", "") if kind == "user" else ("name", IN_NAME.format(table=table))
        run(IN_LAYER.format(kind=kind, table=table, named=named, more=more))
    run(FUNCTIONS.replace("{dispatch}", DISPATCH).replace("%", "%%"))
    for table, column in NAMED:
        run(TRIGGERS.format(table=table, column=column))
    run(INDEXES)
    for table in ("gas_station", "gas_valve", "gas_regulator", "point"):
        run(EVERYWHERE.format(table=table))
    run("create index ix_base_road_name_begin on base_road (lower(name) text_pattern_ops)")
    for signature in (*CALLED, *INNER):
        run(f"revoke all on function {signature} from public")
    for signature in CALLED:
        run(f"grant execute on function {signature} to ranjian_app, ranjian_worker")
    run("revoke all on pinyin_sign, search_name from ranjian_app, ranjian_worker")
    run("grant select, insert, update, delete on map_bookmark to ranjian_app, ranjian_worker")


def _tables() -> None:
    signs = op.create_table(
        "pinyin_sign",
        sa.Column("sign", sa.Text(), nullable=False, comment="the sign"),
        sa.Column(
            "readings", sa.ARRAY(sa.Text()), nullable=False, comment="readings without tones, ü written v"
        ),
        sa.PrimaryKeyConstraint("sign", name=op.f("pk_pinyin_sign")),
        comment="汉字读音 / readings of Chinese signs without tones, the usual one first",
    )
    op.bulk_insert(signs, [{"sign": sign, "readings": readings} for sign, readings in _signs()])
    op.create_table(
        "search_name",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column(
            "name", sa.Text(), nullable=False,
            comment="the beginning in small letters; two writers at once may leave it twice",
        ),
        sa.Column(
            "pinyin", sa.Text(), nullable=False,
            comment="its readings in full, then their initials, each after a space",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_name")),
        comment="检索名称 / beginnings of names and addresses up to the first figure; never removed, holds no person",
    )
    op.create_index("ix_search_name_name", "search_name", ["name"])
    op.create_table(
        "map_bookmark",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row number"),
        sa.Column("user_id", sa.Integer(), nullable=False, comment="whose"),
        sa.Column("name", sa.Text(), nullable=False, comment="what the owner calls it"),
        sa.Column(
            "state", sa.Text(), nullable=False,
            comment="fragment of the map's address: centre, zoom, theme, layers, selection",
        ),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False,
            comment="kept since",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_map_bookmark_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_map_bookmark")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_map_bookmark_user_id_name")),
        comment="地图书签 / states of the map that a person keeps",
    )


def _signs() -> list[tuple[str, list[str]]]:
    """Return signs with their readings, from the table of the package pypinyin."""
    found = []
    for code, readings in pinyin_dict.items():
        if FIRST_SIGN <= code <= LAST_SIGN:
            plain = [to_normal(each, v_to_u=False).replace("ü", "v") for each in readings.split(",")]
            kept = [each for each in dict.fromkeys(plain) if each.isascii() and each.isalpha()]
            if kept:
                found.append((chr(code), kept[:READINGS_MOST]))
    return found
