"""Search over a million objects in Chinese, in pinyin and by code, under the row rights of three kinds of people.

Run as `python -m bench.search [USERS]`. The users are written into the database of the installation inside one
transaction, which is taken back at the end; use a database of one's own, for the room is only given back by a vacuum.
"""

from __future__ import annotations

import random
import statistics
import sys
import time

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.search.queries import districts_named, numbers_by_layer, roads_named, stems_of
from portal.config import Settings
from portal.core.actor import CITY, Scope
from portal.core.db import hand_over_scope, transaction
from portal.home.queries import found_by_number
from portal.home.search_routes import SEARCHED, SUGGESTED

USERS = 1_000_000
ROUNDS = 40
SEED = 7
FIRST, LAST = "春夏秋冬松竹梅兰桂枫柳桃杏槐榆荷菊石金银玉云星月", "泉井桥溪岸亭台坊园林庄里湾湖山"
WAYS = "路街巷"
FILL = """
insert into gas_user (enterprise_id, src_code, adcode, status, geom, user_class, address, households, detector)
select case when n % 3 = 0 then :one else :two end, 'B' || lpad(n::text, 9, '0'), '99010' || (n % 5),
  2, ST_SetSRID(ST_MakePoint(112.4 + (n % 1000) * 0.0002, 31.9 + (n % 997) * 0.0002), 4490), 10,
  '云川市' || (:streets)[1 + n % :many] || (n / :many % 400 + 1) || '号' || (n % 30 + 1) || '栋', 1, false
from generate_series(1, :n) n
"""


class TakenBack(Exception):
    """Ends the transaction without a trace."""


def streets() -> list[str]:
    """Return invented names of streets."""
    return [f"{a}{b}{way}" for a in FIRST for b in LAST for way in WAYS]


def questions(names: list[str]) -> dict[str, list[str]]:
    """Return what is searched for, by kind."""
    pick = random.Random(SEED)  # a repeatable sample, no secret
    chosen = pick.sample(names, ROUNDS)
    return {
        "chinese": chosen,
        "chinese_number": [f"{name}{pick.randint(1, 400)}" for name in chosen],
        "pinyin": ["songquanlu", "zhujingjie", "meiqiaoxiang", "guixi", "fengtanglu", "jinshan", "yuhu", "liuanjie"] * 5,
        "initials": ["sql", "zjj", "mqx", "gxl", "jsl", "yhj", "lax", "ytj"] * 5,
        "code": [f"B{pick.randint(1, USERS):09d}" for _ in range(ROUNDS)],
        "beginning": [f"B{pick.randint(1, 999):03d}" for _ in range(ROUNDS)],
        "signs": ["%", "_", "'", '"', "<script>", "%_'\"<script>", "\\", "%%%%"] * 5,
    }


def ask(session: Session, scope: Scope, words: str) -> float:
    """Return the milliseconds of everything one suggestion asks the database for."""
    began = time.perf_counter()
    stems = stems_of(session, words)
    for layer, numbers in numbers_by_layer(session, SEARCHED, words, stems, SUGGESTED).items():
        found_by_number(session, scope, layer, numbers)
    roads_named(session, stems, SUGGESTED)
    districts_named(session, words, stems, "zh_CN", SUGGESTED)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Fill, ask, print p50 and p95 by kind and by whom, and take everything back."""
    settings, users, names = Settings.from_env(), int(sys.argv[1]) if len(sys.argv) > 1 else USERS, streets()
    try:
        with transaction(settings, CITY, worker=True) as session:
            one, two = session.scalars(text("select id from enterprise order by id limit 2")).all()
            values = {"one": one, "two": two, "streets": names, "many": len(names), "n": users}
            began = time.perf_counter()
            session.execute(text(FILL), values)
            print(f"filled_users={users} filled_s={time.perf_counter() - began:.1f}")
            scopes = {
                "city": CITY,
                "district": Scope(adcodes=frozenset({"990101"})),
                "enterprise": Scope(enterprise_ids=frozenset({two})),
            }
            for who, scope in scopes.items():
                hand_over_scope(session, settings, scope)
                for kind, asked in questions(names).items():
                    ask(session, scope, asked[0])
                    took = [ask(session, scope, words) for words in asked]
                    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
                    print(f"search_{who}_{kind}_p50_ms={p50:.1f} search_{who}_{kind}_p95_ms={p95:.1f}")
            raise TakenBack
    except TakenBack:
        print("taken_back=1")


if __name__ == "__main__":
    main()
