-- Common table: points in service of one enterprise with the instant from which readings are due.
-- Parameters: enterprise_id, begin, until. A point is due from its first reading or its registration,
-- whichever is earlier, rounded to the hour; the filter is needed because least() overlooks nulls. Uses the primary key (point_id, hour) of reading_hour.
due as (
    select p.id, p.src_code, p.name, p.adcode, p.object_code, p.measure, p.unit, p.low, p.high,
           p.period_s::double precision as period_s,
           greatest(cast(:begin as timestamptz),
                    date_trunc('hour', least(p.valid_from, first.hour))) as due_from
    from point p
    left join lateral (
        select r.hour from reading_hour r where r.point_id = p.id order by r.hour limit 1
    ) first on true
    where p.enterprise_id = :enterprise_id and p.status in (2, 3)
),
seen as (
    select d.id,
           greatest(0, extract(epoch from cast(:until as timestamptz) - d.due_from)) / 60.0 as due_min,
           greatest(0, extract(epoch from cast(:until as timestamptz) - d.due_from)) / d.period_s as expected,
           coalesce(sum(r.readings), 0) as readings,
           coalesce(sum(r.valid), 0) as valid,
           coalesce(sum(r.in_time), 0) as in_time,
           coalesce(sum(r.in_limits), 0) as in_limits,
           coalesce(sum(least(60.0, r.in_time * d.period_s / 60.0)) filter (where r.point_id is not null), 0) as online_min
    from due d
    left join reading_hour r on r.point_id = d.id and r.hour >= :begin and r.hour < :until
    group by d.id, d.due_from, d.period_s
)
