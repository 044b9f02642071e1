-- Roles, extensions and the one operator mark that only a superuser can set; safe to run again.
do $$
declare wanted text;
begin
  foreach wanted in array array['ranjian_owner', 'ranjian_app', 'ranjian_worker'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I', wanted);
    end if;
  end loop;
end $$;
create extension if not exists postgis;
create extension if not exists pgcrypto;
create extension if not exists pg_trgm;
-- Under row policies the planner uses a spatial index only through a leakproof operator; its one
-- error is a mixed SRID, which typed columns exclude.
alter function geometry_overlaps(geometry, geometry) leakproof;
-- So is ILIKE, whose errors tell of the pattern only: without it no word is found by its trigrams under a row policy.
alter function texticlike(text, text) leakproof;
do $$ begin execute format('grant create, connect on database %I to ranjian_owner', current_database()); end $$;
grant all on schema public to ranjian_owner;
revoke create on schema public from public;
grant usage on schema public to ranjian_app, ranjian_worker;
create schema if not exists guard authorization ranjian_owner;
revoke all on schema guard from public;
alter role ranjian_app set statement_timeout = '15s';
alter role ranjian_app set lock_timeout = '5s';
alter role ranjian_app set idle_in_transaction_session_timeout = '30s';
alter role ranjian_worker set lock_timeout = '10s';
alter role ranjian_worker set idle_in_transaction_session_timeout = '300s';
