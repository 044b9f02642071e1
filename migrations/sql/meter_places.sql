-- Newest counters of meters that come from everywhere: some places of a block's arrays, written where they lie.
-- Not `set search_path`: nothing is looked up, and setting it would cost more than the work.
create function put_places(known bigint[], places smallint[], fresh bigint[]) returns bigint[]
language plpgsql immutable strict parallel safe as $$
begin
  for n in 1 .. cardinality(places) loop known[places[n] + 1] := fresh[n]; end loop;
  return known;
end $$;
create function put_places(known double precision[], places smallint[], fresh double precision[]) returns double precision[]
language plpgsql immutable strict parallel safe as $$
begin
  for n in 1 .. cardinality(places) loop known[places[n] + 1] := fresh[n]; end loop;
  return known;
end $$;
comment on function put_places(bigint[], smallint[], bigint[]) is 'the array with fresh values at some places, counted from 0';
comment on function put_places(double precision[], smallint[], double precision[]) is 'the array with fresh values at some places, counted from 0';
revoke all on function put_places(bigint[], smallint[], bigint[]) from public;
revoke all on function put_places(double precision[], smallint[], double precision[]) from public;
grant execute on function put_places(bigint[], smallint[], bigint[]) to ranjian_worker;
grant execute on function put_places(double precision[], smallint[], double precision[]) to ranjian_worker;
