-- Open works sites in metres. :srid metric system.
create temporary table risk_sites on commit drop as
select id, st_transform(geom, :srid) as geom from works_site where status not in (6, 7) and geom is not null
