-- Volumes of the days of the period, with the linepack before and at the end.
-- Parameters: enterprise_id, day_from, day_to.
with days as (
    select * from daily_supply
    where enterprise_id = :enterprise_id and gas_day between :day_from and :day_to
),
edges as (
    select (select linepack_m3 from daily_supply
            where enterprise_id = :enterprise_id and gas_day = cast(:day_from as date) - 1) as linepack_before_m3,
           (select linepack_m3 from days order by gas_day desc limit 1) as linepack_end_m3
)
select count(*) as days, coalesce(sum(purchased_m3), 0) as purchased_m3, coalesce(sum(sold_m3), 0) as sold_m3,
       coalesce(sum(own_use_m3), 0) as own_use_m3, max(purchased_m3) as max_day_m3,
       (select linepack_before_m3 from edges) as linepack_before_m3,
       (select linepack_end_m3 from edges) as linepack_end_m3
from days
