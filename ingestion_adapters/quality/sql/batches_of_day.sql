-- What each enterprise's batches of a day held. Parameters: begin, end, contract (codes). Rows: enterprise and dataset with counts.
select r.enterprise_id, r.dataset, sum(r.rows)::bigint as rows, sum(r.rejected)::bigint as rejected,
  count(*) filter (where r.status = 'taken') as batches, count(*) filter (where r.status = 'refused') as refused,
  coalesce(sum(c.n), 0)::bigint as contract, coalesce(sum(c.future), 0)::bigint as future
from receipt r
left join lateral (
  select count(distinct j.row) filter (where j.code = any(cast(:contract as text[]))) as n, count(*) filter (where j.code = 'E_FUTURE') as future
  from rejection j where r.rejected > 0 and j.receipt_id = r.id and j.severity = 'error'
) c on true
where r.received_at >= :begin and r.received_at < :end
group by 1, 2
