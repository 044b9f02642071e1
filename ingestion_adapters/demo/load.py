"""Loads the demo city into an empty database: base map, accounts, networks, users, and a month of life."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.topology_store import build_topology
from ingestion_adapters.demo.basemap import load_basemap
from ingestion_adapters.demo.borders import backdate, load_borders
from ingestion_adapters.demo.cameras import load_cameras
from ingestion_adapters.demo.dataset import records
from ingestion_adapters.demo.devices import load_devices, open_campaign
from ingestion_adapters.demo.filed_load import load_filed
from ingestion_adapters.demo.identity import ENTERPRISES, DemoEnterprise
from ingestion_adapters.demo.limits import load_limits
from ingestion_adapters.demo.month import load_month
from ingestion_adapters.demo.people import make_keys, make_people
from ingestion_adapters.demo.roster import load_roster
from ingestion_adapters.demo.words import save_words
from ingestion_adapters.models import Receipt
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_users import store_users
from portal.accounts.keys import create_enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.crypto import sm3_hex
from portal.core.db import transaction
from portal.core.logs import start_logging
from portal.supply.models import DailySupply

ACTOR = cli_actor("demo")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what a person waits for, and afterwards how long it took."""
    began = time.monotonic()
    _say(f"  {name} …")
    yield
    _say(f"▸ {name}: {time.monotonic() - began:.1f} s")


def _say(line: str) -> None:
    # One write a line: two processes speak.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def load(settings: Settings) -> None:
    """Load everything, two enterprises at a time; each step is one transaction."""
    now = utc_now()
    with step("base map / 底图"), transaction(settings, CITY, worker=True) as session:
        load_basemap(session, settings.demo_scale)
    with step("enterprises and accounts / 企业与账号"), transaction(settings, CITY, worker=True) as session:
        known = {each.key: _enterprise(session, each) for each in ENTERPRISES}
        lines = make_people(session, known, settings=settings, now=now, actor=ACTOR)
        make_keys(session, known, settings.data_dir / "demo", settings=settings, now=now, actor=ACTOR)
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_load_enterprise, settings, known, now), known))
    with transaction(settings, CITY, worker=True) as session:
        open_campaign(session, now)
        load_roster(session, now, actor=ACTOR)
    _analyze(settings)
    with step("borders and corrections / 管网衔接与更正建议"), transaction(settings, CITY, worker=True) as session:
        load_borders(session, known, now, lambda own, rows: _take(session, own, "NET", rows, store_network, "borders"))
    with step("30 days of readings, alarms and cases / 30天数据"):
        load_month(settings, known, now)
    with step("rules of points / 报警限值"), transaction(settings, CITY, worker=True) as session:
        load_limits(session, utc_now())
    with transaction(settings, CITY, worker=True) as session:
        folder = settings.data_dir / "demo"
        save_words(session, known, folder, tiles=settings.demo_scale, now=utc_now(), actor=ACTOR)
    target = settings.data_dir / "demo-accounts.txt"
    target.touch(mode=0o600)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _load_enterprise(settings: Settings, known: dict[str, int], now: datetime, key: str) -> None:
    """Load what an enterprise has and files."""
    each, own, scale = next(each for each in ENTERPRISES if each.key == key), known[key], settings.demo_scale
    name = each.profile.short_name or key
    with step(f"{name}: network / 管网"), transaction(settings, CITY, worker=True) as session:
        _take(session, own, "NET", list(records(key, "NET", scale)), store_network)
        build_topology(session, own)
        backdate(session, own, now)
    with step(f"{name}: users / 用户"), transaction(settings, CITY, worker=True) as session:
        _take(session, own, "USR", list(records(key, "USR", scale)), store_users)
    with transaction(settings, CITY, worker=True) as session:
        _take(session, own, "DAY", list(records(key, "DAY", scale, now)), _store_days)
    with step(f"{name}: safety and emergency records / 安全与应急台账"), transaction(settings, CITY, worker=True) as session:
        load_filed(session, own, each, now=now, actor=ACTOR, scale=scale)
    with step(f"{name}: devices and meters / 设备与燃气表"), transaction(settings, CITY, worker=True) as session:
        load_devices(session, own, key, now=now, actor=ACTOR)
        load_cameras(session, own, actor=ACTOR)


def _enterprise(session: Session, each: DemoEnterprise) -> int:
    profile = each.profile
    made = create_enterprise(session, profile.uscc, profile.name, each.short_names[0], kind=profile.kind, actor=ACTOR)
    made.licence_no, made.licence_expire_on = profile.licence_no, profile.licence_expire
    made.duty_phone, made.safety_head_masked = profile.duty_phone, profile.safety_head
    made.staff_n, made.certified_n = profile.staff_n, profile.certified_n
    session.flush()
    return made.id


def _take(
    session: Session,
    enterprise_id: int,
    dataset: str,
    rows: Sequence[Any],
    store: Callable[[Session, int, Any, int], Any],
    batch: str = "",
) -> None:
    """Store one delivery with its receipt; the demo's data are clean, so a finding stops the load."""
    body = msgspec.json.encode(rows)
    receipt = Receipt(
        enterprise_id=enterprise_id,
        dataset=dataset,
        batch_id=f"demo-{batch or dataset}",
        door="demo",
        status="taken",
        body_sm3=sm3_hex(body),
        body_bytes=len(body),
        rows=len(rows),
        accepted=len(rows),
        duplicate=0,
        rejected=0,
        app_id="demo",
    )
    session.add(receipt)
    session.flush()
    stored = store(session, enterprise_id, rows, receipt.id)
    findings = getattr(stored, "rejections", None)
    if findings:
        raise ValueError(f"demo {dataset}: {len(findings)} findings, first {findings[0]}")


def _store_days(session: Session, enterprise_id: int, rows: Sequence[Any], receipt_id: int) -> None:
    for row in rows:
        session.add(DailySupply(enterprise_id=enterprise_id, receipt_id=receipt_id, **msgspec.structs.asdict(row)))
    session.flush()


def _analyze(settings: Settings) -> None:
    """Give the planner figures of what was just loaded, where this role may."""
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select refresh_statistics()"))


if __name__ == "__main__":
    found = Settings.from_env()
    start_logging("WARNING")
    found.data_dir.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    load(found)
    sys.stdout.write(f"▸ demo city loaded in {time.monotonic() - began:.0f} s\n")
