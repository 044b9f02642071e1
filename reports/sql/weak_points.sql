-- The points that lower a figure most: by online share or by pressure compliance, worst first.
-- Parameters: enterprise_id, begin, until, order_by (online, pressure), rows.
with {due_points}, figures as (
    select p.src_code, p.name, p.object_code, p.adcode, d.name_zh, d.name_en, p.measure, p.unit, p.low, p.high,
           case when s.due_min > 0 then 100.0 * least(s.online_min, s.due_min) / s.due_min end as online_pct,
           case when s.expected > 0 then 100.0 * least(s.valid, s.expected) / s.expected end as complete_pct,
           case when s.valid > 0 and p.measure = 1 and (p.low is not null or p.high is not null)
                then 100.0 * s.in_limits / s.valid end as in_limits_pct,
           s.due_min - least(s.online_min, s.due_min) as lost_min,
           s.valid - s.in_limits as outside
    from seen s join due p on p.id = s.id
    left join base_district d on d.adcode = p.adcode
)
select * from figures
where case when :order_by = 'online' then online_pct < 100 else in_limits_pct < 100 end
order by case when :order_by = 'online' then lost_min else outside end desc, src_code
limit :rows
