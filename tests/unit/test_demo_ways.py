"""The demo's three doors: which program uses which, and files that are whole when they can be seen."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ingestion_adapters.checks import Finding, judge_row
from ingestion_adapters.client import Client
from ingestion_adapters.demo.duty import ControlRoom
from ingestion_adapters.demo.identity import ENTERPRISES
from ingestion_adapters.demo.ways import DOOR_OF, Files, payload, way_of
from ingestion_adapters.mqtt_client import MqttClient

NOW_S = 1_795_600_200


def test_the_three_enterprises_use_three_doors(tmp_path: Path) -> None:
    assert {each.key for each in ENTERPRISES} == set(DOOR_OF) and len(set(DOOR_OF.values())) == 3
    kinds = {}
    for each in ENTERPRISES:
        client = Client("http://127.0.0.1:1", "a", "k", tmp_path / each.key)
        way = way_of(each.key, client, broker="127.0.0.1:1", uscc=each.uscc, data=tmp_path)
        assert way_of(each.key, client, broker="", uscc=each.uscc, data=None) is client
        kinds[each.key] = type(way)
        if isinstance(way, MqttClient):
            way.queue.close()
        client.queue.close()
    assert kinds == {"YCRQ": Client, "JBRQ": MqttClient, "KFQRQ": Files}


def test_files_are_whole_and_hold_every_row(tmp_path: Path) -> None:
    room, way = ControlRoom("KFQRQ"), Files(tmp_path / "folder", every_s=0)
    rows = payload("KFQRQ", "RT", list(room.readings(NOW_S)))
    way.push("RT", rows)
    way.push("RT", payload("KFQRQ", "RT", list(room.readings(NOW_S + 5))))
    way.flush()
    way.flush()
    (path,) = (tmp_path / "folder").iterdir()
    assert path.name.startswith("RT_") and path.suffix == ".csv"
    read = list(csv.DictReader(io.StringIO(path.read_bytes().decode("gb18030"))))
    assert len(read) >= len(rows) > 0
    assert not any(isinstance(judge_row(row, n, "RT", lax=True), Finding) for n, row in enumerate(read))
