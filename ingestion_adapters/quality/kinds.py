"""The evaluations that rules may use: what is gathered, how it is judged, and when it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ingestion_adapters.quality import gather, gather_filed, judges, zones
from ingestion_adapters.quality.gather import View
from ingestion_adapters.quality.verdicts import Fact, Judge, Parameters, judge_share

Gather = Callable[[View, Parameters], Iterator[Fact]]


@dataclass(frozen=True)
class Kind:
    """One evaluation. `open_day`: it scores the running day too, its findings wait for the end of the day.

    `present`: it looks at what is stored now, on the running day only, and finds at once.
    """

    gather: Gather
    judge: Judge
    open_day: bool = False
    present: bool = False


KINDS: dict[str, Kind] = {
    "readings_expected": Kind(gather.readings_expected, judge_share, open_day=True),
    "readings_valid": Kind(gather.readings_valid, judge_share, open_day=True),
    "readings_in_time": Kind(gather.readings_in_time, judge_share, open_day=True),
    "feeds_online": Kind(gather_filed.feeds_online, judge_share, open_day=True),
    "rows_taken": Kind(gather_filed.rows_taken, judge_share, open_day=True),
    "rows_in_contract": Kind(gather_filed.rows_in_contract, judge_share, open_day=True),
    "rows_in_limit": Kind(gather_filed.rows_in_limit, judge_share, open_day=True),
    "batches_taken": Kind(gather_filed.batches_taken, judge_share, open_day=True),
    "days_filed": Kind(gather_filed.days_filed, judge_share),
    "balance": Kind(gather_filed.balances, judges.judge_balance),
    "sold_of_bought": Kind(gather_filed.sold_of_bought, judges.judge_sold),
    "claims": Kind(gather_filed.claims, judges.judge_claim),
    "second_values": Kind(gather.second_values, judges.judge_count, open_day=True),
    "references": Kind(gather_filed.references, judges.judge_count, present=True),
    "network": Kind(gather_filed.network_problems, judges.judge_problems, present=True),
    "class_changes": Kind(gather_filed.class_changes, judges.judge_classes, present=True),
    "flat_line": Kind(gather.flat_lines, judges.judge_flat),
    "copied_day": Kind(gather.copied_days, judges.judge_copied),
    "last_digits": Kind(gather.last_digits, judges.judge_digits),
    "meter": Kind(gather.meter_hours, judges.judge_meter, open_day=True),
    "outlier": Kind(gather.outliers, judges.judge_outlier),
    "pressure_order": Kind(zones.pressure_orders, judges.judge_order),
    "neighbours": Kind(zones.neighbours, judges.judge_neighbour),
    "clock": Kind(gather.clocks, judges.judge_clock),
}
