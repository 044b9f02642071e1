-- The limits of points as they were in a span. Parameters: points, begin, end.
-- Rows: point, from (null: before the span), until (null: still), the four limits; a point's first state holds for what was read before it, too.
-- Uses the keys of point and point_history; limits change seldom.
select point_id, case when valid_from > :begin then valid_from end as since, valid_to, low_low, low, high, high_high from (
  select states.*, case when row_number() over (partition by point_id order by since) = 1 then '-infinity' else since end as valid_from
  from (
    select id as point_id, valid_from as since, null::timestamptz as valid_to, low_low, low, high, high_high from point
    where id = any (:points)
    union all
    select id, valid_from, valid_to, low_low, low, high, high_high from point_history where id = any (:points)
  ) states
) known
where valid_from < :end and (valid_to is null or valid_to > :begin)
order by 1, 2
