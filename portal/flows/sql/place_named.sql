-- Where a named thing lies. Parameters: enterprise, point, object, lon, lat (any may be null but enterprise).
-- At most one row: the point first, then the object, then the coordinates' district.
-- Relies on the unique keys (enterprise_id, src_code) and the GiST index of base_district.
select point_id, unit, object_code, adcode, lon, lat from (
  select 1 as turn, id as point_id, unit, object_code, adcode, st_x(geom) as lon, st_y(geom) as lat
    from point where enterprise_id = :enterprise and src_code = cast(:point as text)
  union all
  select 2, null, null, src_code, adcode, st_x(geom), st_y(geom)
    from gas_station where enterprise_id = :enterprise and src_code = cast(:object as text)
  union all
  select 2, null, null, src_code, adcode, st_x(geom), st_y(geom)
    from gas_regulator where enterprise_id = :enterprise and src_code = cast(:object as text)
  union all
  select 2, null, null, src_code, adcode, st_x(geom), st_y(geom)
    from gas_valve where enterprise_id = :enterprise and src_code = cast(:object as text)
  union all
  select 2, null, null, src_code, adcode, st_x(geom), st_y(geom)
    from gas_node where enterprise_id = :enterprise and src_code = cast(:object as text)
  union all
  select 2, null, null, src_code, adcode, st_x(st_pointonsurface(geom)), st_y(st_pointonsurface(geom))
    from gas_pipe where enterprise_id = :enterprise and src_code = cast(:object as text)
  union all
  select 3, null, null, null, adcode, cast(:lon as double precision), cast(:lat as double precision)
    from base_district
    where cast(:lon as double precision) is not null and st_intersects(geom,
      st_setsrid(st_makepoint(cast(:lon as double precision), cast(:lat as double precision)), 4490))
) as found order by turn limit 1
