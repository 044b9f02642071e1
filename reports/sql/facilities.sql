-- Number of facilities in service of one enterprise. Parameters: enterprise_id, checked_since, other_checked_since.
select (select count(*) from gas_station where enterprise_id = :enterprise_id and status in (2, 3)) as stations,
       (select count(*) from gas_regulator where enterprise_id = :enterprise_id and status in (2, 3)) as regulators,
       (select count(*) from gas_valve where enterprise_id = :enterprise_id and status in (2, 3)) as valves,
       (select count(*) from point where enterprise_id = :enterprise_id and status in (2, 3)) as points,
       u.*
from (
    select count(*) as users, coalesce(sum(households), 0) as households,
           count(*) filter (where last_check_on is not null) as check_known,
           count(*) filter (where last_check_on >= case when user_class < 20 then cast(:checked_since as date)
                                                        else cast(:other_checked_since as date) end) as checked,
           count(*) filter (where user_class >= 20) as non_residential,
           count(*) filter (where user_class >= 20 and detector) as with_detector
    from gas_user where enterprise_id = :enterprise_id and status in (1, 2, 5)
) u
