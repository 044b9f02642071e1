"""The drop folders: files become rows once, with a receipt beside them; evil files harm nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from ingestion_adapters.dropbox import folder as folder_of
from ingestion_adapters.dropbox import jobs
from ingestion_adapters.dropbox.folder import Folder
from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.mapping.services import save_mapping
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import transaction
from tests.factories import make_enterprise, make_point

_calls = itertools.count()


class Drop:
    """An enterprise's drop folder and the job that looks into it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with transaction(settings, CITY, worker=True) as session:
            own = make_enterprise(session)
            make_point(session, own, src_code="DP1")
            self.owner = jobs.Owner(own.id, own.uscc)
        self.path = settings.data_dir / "dropbox" / own.uscc
        self.path.mkdir(parents=True)

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def look(self) -> int:
        return jobs.take_folder(self.settings, self.owner, self.path)

    def kept(self, place: str) -> list[str]:
        folder = self.path / place
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def receipt(self, place: str, name: str) -> dict[str, Any]:
        (found,) = (self.path / place).glob(f"*_{name}.receipt.json")
        return json.loads(found.read_text("utf-8"))  # type: ignore[no-any-return]

    def count(self, sql: str = "select count(*) from receipt where enterprise_id = :e") -> int:
        with transaction(self.settings, CITY, worker=True) as session:
            return int(session.scalar(text(sql), {"e": self.owner.id}) or 0)


READINGS = "select count(*) from reading r join point p on p.id = r.point_id where p.enterprise_id = :e"


def rows(count: int = 3) -> list[dict[str, Any]]:
    # Each call its own minutes: readings are told apart by the millisecond only.
    begin = datetime.now(UTC) - timedelta(hours=20) + timedelta(minutes=next(_calls))
    return [{"point": "DP1", "t": (begin + timedelta(seconds=n)).isoformat(), "v": 2.0} for n in range(count)]


def as_csv(given: list[dict[str, Any]], head: str = "point,t,v") -> str:
    return head + "\n" + "\n".join(",".join(str(value) for value in row.values()) for row in given) + "\n"


@pytest.fixture
def drop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    """Give a drop folder that needs no patience."""
    monkeypatch.setattr(folder_of, "SETTLED_S", 0.0)
    yield Drop(settings)


@pytest.mark.clause("7.2.4.1-a")
def test_tables_and_messages_become_rows_with_a_receipt_beside(drop: Drop) -> None:
    given = rows()
    drop.put("RT_1.csv", as_csv(given))
    drop.put("RT_2.csv", as_csv(rows(2), "测点编号,时间,数值").encode("gb18030"))
    drop.put("rt-3.ndjson", "\n".join(json.dumps(row) for row in rows(4)))
    drop.put("RT_4.json", json.dumps({"records": [given[0] | {"v": "x"}, *rows(1)]}))
    book = openpyxl.Workbook()
    for line in (["日供气统计表"], ["气日", "购入气量(m³)", "销售气量"], ["2026-06-01", 182300, 176900.5]):
        book.active.append(line)
    book.save(drop.path / "DAY_六月.xlsx")
    assert drop.look() == 5
    assert not [path for path in drop.path.iterdir() if path.is_file()]
    assert len(drop.kept("done")) == 10 and not drop.kept("refused")
    good = drop.receipt("done", "RT_1.csv")
    assert (good["status"], good["accepted"], good["rejected"], good["files"]) == (200, 3, 0, ["RT_1.csv"])
    assert drop.receipt("done", "RT_2.csv")["accepted"] == 2
    assert drop.receipt("done", "RT_4.json")["rejections"][0]["code"] == "E_SCHEMA"
    assert drop.count("select count(*) from daily_supply where enterprise_id = :e") == 1
    assert drop.count("select count(*) from receipt where enterprise_id = :e and door = 'drop'") == 5
    digest = hashlib.new("sm3", as_csv(given).encode()).hexdigest()[:16]
    assert f"{digest}_RT_1.csv" in drop.kept("done")


def test_a_date_cell_without_offset_is_refused_in_words_and_text_with_offset_is_taken(drop: Drop) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3, minutes=next(_calls))
    book = openpyxl.Workbook()
    for line in (["point", "t", "v"], ["DP1", at.replace(tzinfo=None), 2.0], ["DP1", at.isoformat(), 2.0]):
        book.active.append(line)
    book.save(drop.path / "RT_时间.xlsx")
    assert drop.look() == 1
    (found,) = (drop.path / "done").glob("*.receipt.json")
    receipt = json.loads(found.read_text("utf-8"))
    assert (receipt["accepted"], [each["code"] for each in receipt["rejections"]]) == (1, ["E_TIME"])
    assert "日期时间单元格不带时区" in receipt["rejections"][0]["message"] and receipt["rejections"][0]["line"] == 2


def test_rejections_name_the_line_a_person_sees(drop: Drop) -> None:
    drop.put("RT_a.csv", as_csv([rows(1)[0], {"point": "NONE", "t": rows(1)[0]["t"], "v": 1}]))
    drop.put("RT_b.csv", as_csv([{"point": "NONE", "t": "yesterday", "v": 1}]))
    drop.look()
    (found,) = drop.receipt("done", "RT_a.csv")["rejections"]
    assert (found["row"], found["line"], found["code"]) == (1, 3, "E_UNKNOWN_OBJECT")
    assert drop.receipt("refused", "RT_b.csv")["status"] == 422


def test_a_crash_between_commit_and_move_neither_loses_nor_doubles(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.put("RT_1.csv", as_csv(rows()))

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "put_away", die)
        with pytest.raises(SystemExit):
            drop.look()
    assert drop.count(READINGS) == 3 and (drop.path / "RT_1.csv").exists()
    assert drop.look() == 1
    assert drop.receipt("done", "RT_1.csv")["replayed"] is True
    assert drop.count(READINGS) == 3 and drop.count() == 1


def test_the_same_file_again_is_known_and_nothing_is_overwritten(drop: Drop) -> None:
    content = as_csv(rows())
    for _ in range(2):
        drop.put("RT_1.csv", content)
        drop.look()
    assert drop.count(READINGS) == 3 and drop.count() == 1
    assert len([name for name in drop.kept("done") if name.endswith(".csv")]) == 2


def test_unfinished_files_are_left_alone(settings: Settings) -> None:
    drop = Drop(settings)
    for name in ("RT_1.csv.part", ".RT_2.csv", "~$RT_3.xlsx", "RT_4.csv.tmp", "RT_5.csv"):
        drop.put(name, as_csv(rows()))
    assert drop.look() == 0 and len(list(drop.path.iterdir())) == 5
    os.utime(drop.path / "RT_5.csv", (0, 0))
    assert drop.look() == 0, "a time set by the sender must not make a file complete"


def test_a_manifest_gathers_a_network_delivery(drop: Drop) -> None:
    points = "点号,X坐标,Y坐标\nJ1,3541000.0,500100.0\nJ2,3541000.0,500200.0\n"
    lines = "管线编号,起点点号,终点点号,材质,管径,压力级别\nG1,J1,J2,PE管,110,中压A\n"
    drop.put("点表.csv", points)
    drop.put("线表.csv", lines)
    digest = hashlib.new("sm3", points.encode()).hexdigest()
    words = {"dataset": "NET", "files": ["点表.csv", "线表.csv"], "crs": "EPSG:4547", "sm3": {"点表.csv": digest}}
    drop.put("网.manifest.json", json.dumps(words))
    drop.look()
    answer = drop.receipt("done", "网.manifest.json")
    assert answer["status"] == 200 and answer["accepted"] >= 1, answer
    assert drop.count("select count(*) from gas_pipe where enterprise_id = :e") == 1
    drop.put("线表2.csv", lines)
    words = {"dataset": "NET", "files": ["线表2.csv"], "crs": "EPSG:4547", "sm3": {"线表2.csv": "0" * 64}}
    drop.put("坏.manifest.json", json.dumps(words))
    drop.look()
    assert drop.receipt("refused", "坏.manifest.json")["status"] == 422


def test_manifests_that_wait_for_their_files_hold_up_no_finished_file(drop: Drop) -> None:
    for number in range(jobs.FILES_A_TURN + 1):
        said = {"dataset": "RT", "files": [f"late_{number}.csv"]}
        drop.put(f"a{number}.manifest.json", json.dumps(said))
    drop.put("RT_z.csv", as_csv(rows()))
    assert drop.look() == 1
    assert drop.receipt("done", "RT_z.csv")["accepted"] == 3


def test_a_network_file_without_its_system_is_asked_about(drop: Drop) -> None:
    drop.put("NET_点.csv", "点号,X坐标,Y坐标\nJ1,3541000.0,500100.0\nJ2,3541000.0,500200.0\n")
    drop.look()
    assert drop.receipt("refused", "NET_点.csv")["code"] == "E_CRS"


def test_layers_give_places_in_our_system(drop: Drop) -> None:
    user = {key: value for key, value in SAMPLES["User"].items() if key not in ("lon", "lat", "regulator")}
    feature = {"type": "Feature", "properties": user, "geometry": {"type": "Point", "coordinates": [112.5, 32.0]}}
    layer = {"type": "FeatureCollection", "features": [feature]}
    drop.put("USR_无系统.geojson", json.dumps(layer))
    named = layer | {"crs": {"type": "name", "properties": {"name": "EPSG:4490"}}}
    drop.put("USR_1.geojson", json.dumps(named))
    drop.look()
    assert drop.receipt("refused", "USR_无系统.geojson")["code"] == "E_CRS"
    assert drop.receipt("done", "USR_1.geojson")["accepted"] == 1
    assert drop.count("select count(*) from gas_user where enterprise_id = :e and st_x(geom) = 112.5") == 1


def test_evil_files_harm_nothing(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(as_csv(rows()))
    (drop.path / "RT_link.csv").symlink_to(secret)
    os.link(secret, drop.path / "RT_hard.csv")
    os.mkfifo(drop.path / "RT_fifo.csv")
    os.mkdir(drop.path / "RT_folder.csv")
    (drop.path / "loop").symlink_to(drop.path)
    (drop.path / os.fsdecode(b"RT_\xff\xfe\n.csv")).write_text(as_csv(rows(1)))
    drop.put("RT_" + "长" * 80 + ".csv", as_csv(rows(1)))
    drop.put("=cmd|' C calc'!A0.csv", as_csv(rows(1)))
    drop.put("RT_empty.csv", b"")
    drop.put("RT_bin.csv", bytes(range(256)) * 50)
    drop.put("RT_deep.json", b"[" * 200_000)
    drop.put("RT_nan.json", b'{"records":[{"point":"DP1","t":1,"v":NaN}]}')
    drop.put("RT_x.exe", b"MZ")
    with zipfile.ZipFile(drop.path / "USR_slip.zip", "w") as archive:
        archive.writestr("../../evil.shp", b"x")
    with zipfile.ZipFile(drop.path / "USR_bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", b"0" * (50 << 20))
    with zipfile.ZipFile(drop.path / "USR_nested.zip", "w") as archive:
        archive.writestr("inner.zip", b"PK\x03\x04")
    with (drop.path / "RT_huge.csv").open("wb") as huge:
        huge.truncate(300 << 20)
    began = time.monotonic()
    for _ in range(5):
        drop.look()
    assert time.monotonic() - began < 60
    left = sorted(path.name for path in drop.path.iterdir())
    assert left == ["RT_folder.csv", "done", "refused"], left
    assert secret.read_text() and drop.count(READINGS) >= 1
    assert not (drop.path.parent / "evil.shp").exists()
    codes = {json.loads(p.read_text())["code"] for p in (drop.path / "refused").glob("*.receipt.json")}
    assert codes == {"E_SCHEMA", "E_QUOTA", "E_DATASET"}, codes


def test_a_folder_that_is_a_link_is_not_entered(drop: Drop, tmp_path: Path) -> None:
    (tmp_path / "RT_1.csv").write_text(as_csv(rows()))
    drop.path.rmdir()
    drop.path.symlink_to(tmp_path)
    assert drop.look() == 0 and drop.count() == 0
    drop.path.unlink()
    drop.path.mkdir()
    drop.put("RT_1.csv", as_csv(rows()))
    (drop.path / "done").symlink_to(tmp_path)
    assert drop.look() == 0 and sorted(path.name for path in tmp_path.iterdir()) == ["RT_1.csv"]


def test_tables_in_an_enterprises_own_words_go_through_its_mapping(drop: Drop) -> None:
    fields = {"point": "编码", "t": "采集时刻", "v": "时间"}
    mapping = {"format": 1, "name": "自有", "datasets": {"RT": {"fields": fields}}}
    given = datetime.now(UTC) - timedelta(days=1)
    with transaction(drop.settings, CITY, worker=True) as session:
        file = json.dumps(mapping).encode()
        save_mapping(session, drop.owner.id, file, note="", valid_from=given, actor=cli_actor())
    drop.put("RT_own.csv", as_csv(rows(), "编码,采集时刻,时间"))
    drop.look()
    answer = drop.receipt("done", "RT_own.csv")
    assert (answer["accepted"], answer["rejected"]) == (3, 0), answer
