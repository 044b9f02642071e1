"""The list of the alarm desk over ten million alarms, with every filter, under the row rights of three kinds of people.

`script/bench alarms list [ALARMS]`. The alarms are written into the database of the installation inside one transaction,
which is taken back at the end; use a database of one's own, for the room is only given back by a vacuum.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import CITY, Scope
from portal.core.clock import utc_now
from portal.core.db import hand_over_scope, transaction
from portal.core.paging import Cursor
from portal.operation.alarms.queries import AlarmFilter, alarms_page, open_counts

ALARMS, CHUNK, ROUNDS = 10_000_000, 250_000, 12
FACTS = """
insert into alarm (enterprise_id, adcode, source, kind, level, object_code, raised_at, received_at, value, unit, text_said)
select (:firms)[1 + n % :firm_n], '99010' || (n % 5), 'rule', 11 + n % 20, case when n % 100 < 5 then 1 when n % 100 < 20 then 2
  when n % 100 < 60 then 3 else 4 end, 'BX' || (n % 40000), cast(:now as timestamptz) - n * interval '16 seconds',
  cast(:now as timestamptz) - n * interval '16 seconds', n % 500, 'kPa', '报警说明' || (n % 9973)
from generate_series(cast(:from as bigint), :to) n
"""
STATES = """
insert into alarm_now (alarm_id, enterprise_id, adcode, kind, level, historical, state, verdict, raised_at, acknowledged_at,
  acknowledged_by, cleared_at, object_code, said)
select id, enterprise_id, adcode, kind, level, false, case when id % 20000 = 0 then 1 else 4 end, id % 37 % 5, raised_at,
  case when id % 20000 > 0 then raised_at + interval '3 minutes' end, case when id % 20000 > 0 then 'user' || id % 30 end,
  case when id % 20000 > 0 then raised_at + interval '9 minutes' end, object_code, object_code || ' ' || text_said
from alarm where id > :last
"""


class TakenBack(Exception):
    """Ends the transaction without a trace."""


def filters(firm: int) -> dict[str, AlarmFilter]:
    """Return what the list is narrowed to: each filter alone, and the pairs that share no index."""
    every, now = AlarmFilter(view="all"), utc_now()
    week = {"since": now - timedelta(days=700), "until": now - timedelta(days=693)}
    alone: dict[str, dict[str, Any]] = {
        "none": {}, "level": {"level": 1}, "kind": {"kind": 13}, "state": {"state": 1}, "enterprise": {"enterprise_id": firm},
        "district": {"adcode": "990103"}, "object": {"object_code": "BX777"}, "person": {"person": "user7"},
        "verdict": {"verdict": 2}, "time": week, "words": {"words": "BX39999"}, "words_none": {"words": "没有这个对象"},
        "words_many": {"words": "报警说明"}, "nothing": {"kind": 31}, "open": {"view": "open"}, "sort_level": {"sort": "level"},
        "sort_object": {"sort": "object"},
    }  # fmt: skip
    pairs: dict[str, dict[str, Any]] = {
        "level_kind": {"level": 1, "kind": 30}, "enterprise_verdict": {"enterprise_id": firm, "verdict": 4},
        "person_level": {"person": "user3", "level": 2}, "district_kind_level": {"adcode": "990104", "kind": 12, "level": 1},
        "object_level": {"object_code": "BX5", "level": 1}, "time_kind": {"kind": 12, **week},
        "state_kind_none": {"state": 2, "kind": 12},
    }  # fmt: skip
    return {name: replace(every, **given) for name, given in (alone | pairs).items()}


def timed(work: Callable[[], Any]) -> float:
    """Return the milliseconds of the worse pages of a list: the first, and one far behind."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(took, n=20)[-1]


def fill(session: Session, alarms: int) -> list[int]:
    """Write the alarms; return the enterprises."""
    firms = list(session.scalars(text("select id from enterprise order by id limit 10")))
    last = session.scalar(text("select coalesce(max(id), 0) from alarm"))
    for begin in range(1, alarms + 1, CHUNK):
        values = {"firms": firms, "firm_n": len(firms), "now": utc_now(), "from": begin, "to": min(alarms, begin + CHUNK - 1)}
        session.execute(text(FACTS), values)
    session.execute(text(STATES), {"last": last})
    session.execute(text("select refresh_statistics()"))
    return firms


def run(arguments: list[str]) -> None:
    """Fill, ask for first and far pages, print p95 by filter and by whom, and take everything back."""
    settings, alarms = Settings.from_env(), int(arguments[0]) if arguments else ALARMS
    try:
        with transaction(settings, CITY, worker=True) as session:
            began = time.perf_counter()
            firms = fill(session, alarms)
            print(f"filled_alarms={alarms} filled_s={time.perf_counter() - began:.0f}", flush=True)
            far = Cursor(utc_now() - timedelta(seconds=16 * alarms * 0.8), 0)
            scopes = {
                "city": CITY,
                "district": Scope(adcodes=frozenset({"990103"})),
                "enterprise": Scope(enterprise_ids=frozenset({firms[0]})),
            }
            worst: list[float] = []
            for who, scope in scopes.items():
                hand_over_scope(session, settings, scope)
                for name, wanted in filters(firms[0]).items():
                    first = timed(lambda w=wanted, s=scope: alarms_page(session, w, cursor=None, scope=s))  # type: ignore[misc]
                    later = timed(lambda w=wanted, s=scope: alarms_page(session, w, cursor=far, scope=s))  # type: ignore[misc]
                    worst += [first, later]
                    print(f"list_{who}_{name}_p95_ms={first:.1f} list_{who}_{name}_far_p95_ms={later:.1f}", flush=True)
                counted = timed(lambda s=scope: open_counts(session, scope=s))  # type: ignore[misc]
                print(f"counts_{who}_p95_ms={counted:.1f}", flush=True)
            print(f"list_worst_p95_ms={max(worst):.1f}")
            raise TakenBack
    except TakenBack:
        print("taken_back=1")
