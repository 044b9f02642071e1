"""Broken and hostile files: each ends as a finding with code and words, never as an exception."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion_adapters.files.findings import catalogue
from ingestion_adapters.files.judge import Judged, judge_delivery

SAMPLES = Path(__file__).parents[1] / "data" / "enterprise_samples"
TODAY = date(2026, 6, 1)
Make = Callable[[Path], Path]


def judge(path: Path, crs: str | None = "EPSG:4547") -> Judged:
    return judge_delivery([path], crs, today=TODAY)


def first_error(path: Path, crs: str | None = "EPSG:4547") -> str:
    """Return the Chinese words of the first error and check that it has everything a person needs."""
    result = judge(path, crs)
    assert not result.records
    error = result.errors[0]
    assert error.code.startswith("E_") and error.rule and error.message_zh and error.message_en
    assert error.file.startswith(path.name)
    return error.message_zh


def zip_of(folder: Path, members: dict[str, bytes], name: str = "a.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def with_declared_size(path: Path, size: int) -> Path:
    """Rewrite the size that the archive's directory declares for its last member."""
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def test_an_archive_that_points_outside_is_refused_whole(tmp_path: Path) -> None:
    assert "包外" in first_error(zip_of(tmp_path, {"../../etc/cron.d/x.shp": b"x"}))
    assert not list(tmp_path.glob("**/cron.d"))


@pytest.mark.parametrize("name", ["/etc/x.shp", "C:\\x.shp", "..\\x.shp", "a/../../x.shp"])
def test_absolute_and_climbing_names_are_refused(tmp_path: Path, name: str) -> None:
    assert "包外" in first_error(zip_of(tmp_path, {name: b"x"}))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("a.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "链接" in first_error(path)


def test_a_bomb_is_seen_by_its_ratio(tmp_path: Path) -> None:
    assert "压缩炸弹" in first_error(zip_of(tmp_path, {"a.shp": bytes(8 << 20)}))


def test_an_archive_that_declares_ten_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = with_declared_size(zip_of(tmp_path, {"a.shp": bytes(2 << 20), "b.dbf": b"x" * 100}), 0xFFFFFFF0)
    assert "上限" in first_error(path)


def test_an_archive_that_lies_about_a_size_is_damaged(tmp_path: Path) -> None:
    members = {"a.shp": b"x" * 5000, "a.shx": b"x", "a.dbf": b"y" * 9000}
    assert "损坏" in first_error(with_declared_size(zip_of(tmp_path, members), 10))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    assert "21 个文件" in first_error(zip_of(tmp_path, {f"{i}.shp": b"x" for i in range(21)}))


def test_a_protected_archive_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path, {"a.shp": b"x", "a.shx": b"x", "a.dbf": b"x"})
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "密码" in first_error(path)


@pytest.mark.parametrize("name", ["RQGX_shp_no_cpg.zip", "管网普查成果.xlsx"])
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_damaged(tmp_path: Path, name: str, share: float) -> None:
    data = (SAMPLES / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    assert "损坏" in first_error(path)


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
@pytest.mark.parametrize("keep", [0, 50, 400])
def test_a_shapefile_with_a_broken_part_never_breaks_us(tmp_path: Path, part: str, keep: int) -> None:
    with zipfile.ZipFile(SAMPLES / "RQGX_shp_no_cpg.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[f"RQGX{part}"] = members[f"RQGX{part}"][:keep]
    result = judge(zip_of(tmp_path, members), None)
    assert result.errors


def test_a_shapefile_without_its_table_is_refused(tmp_path: Path) -> None:
    assert ".dbf" in first_error(zip_of(tmp_path, {"a.shp": b"x", "a.shx": b"x"}))


def test_a_bare_shp_is_asked_for_as_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.shp"
    path.write_bytes(b"x")
    assert "ZIP" in first_error(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "空"),
        ("a.csv", b"\xef\xbb\xbf\r\n\r\n", "空"),
        ("a.csv", b"PK\x03\x04" + bytes(200), "二进制"),
        ("a.csv", b"\x01\x00\x02\x03" * 500, "二进制"),
        ("a.csv", b"a,b,c\n1,2,3\n", "表头"),
        ("a.csv", "姓名,电话\n张三,1\n".encode("big5", "ignore") + b"\xff\xfe\xfa", "无法认定"),
        ("a.xlsx", b"hello", "损坏"),
        ("a.gpkg", b"hello", "损坏"),
        ("a.gpkg", b"SQLite format 3\x00" + bytes(5000), "损坏"),
        ("a.geojson", b"{", "JSON"),
        ("a.geojson", b"[" * 100_000, "JSON"),
        ("a.geojson", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "JSON"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[NaN]}', "JSON"),
        ("a.geojson", b'{"type":"Feature"}', "FeatureCollection"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[1,null,{}]}', "表头"),
        ("a.exe", b"MZ", "文件类型"),
    ],
)
def test_a_file_that_is_not_what_it_says_gets_words(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert words in first_error(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "找不到" in first_error(tmp_path / "none.csv")


def workbook(folder: Path, fill: Callable[[openpyxl.Workbook], None]) -> Path:
    book = openpyxl.Workbook()
    fill(book)
    path = folder / "a.xlsx"
    book.save(path)
    return path


def test_one_cell_at_the_end_of_the_sheet_does_not_take_the_memory(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active["A1"] = "管线编号"
        book.active["XFD1048576"] = 1

    assert "过大" in first_error(workbook(tmp_path, fill))


def test_a_workbook_with_macros_or_doctype_is_refused(tmp_path: Path) -> None:
    source = (SAMPLES / "管网普查成果.xlsx").read_bytes()
    for name, content, words in (
        ("xl/vbaProject.bin", b"x", "宏"),
        ("xl/x.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "DOCTYPE"),
    ):
        path = tmp_path / f"{words}.xlsx"
        path.write_bytes(source)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)
        assert words in first_error(path)


def test_a_row_with_a_formula_waits_in_quarantine(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        points, lines = book.active, book.create_sheet("线")
        points.append(["管点编号", "X", "Y"])
        points.append(["A", 2495300.0, 493020.6])
        points.append(["B", 2495305.1, 492926.0])
        lines.append(["管线编号", "起点点号", "终点点号", "管径", "材质", "压力级别"])
        lines.append(["P1", "A", "B", "DN300", "钢管", "中压A"])
        lines.append(["P2", "A", "B", "=100+200", "钢管", "中压A"])
        lines.append(["P3", "A", "B", "DN300", '=HYPERLINK("http://x","钢管")', "中压A"])

    result = judge(workbook(tmp_path, fill))
    assert [(f.object, f.row, f.code) for f in result.errors] == [("P2", 3, "E_SCHEMA"), ("P3", 4, "E_SCHEMA")]


def test_every_kind_of_finding_has_a_code_a_rule_and_both_languages() -> None:
    for key, words in catalogue().items():
        assert words.code.startswith("E_") and words.rule and words.zh and words.en, key
        assert words.severity in ("error", "warning", "notice"), key


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=400), st.sampled_from([".csv", ".xlsx", ".geojson", ".zip"]))
def test_random_bytes_never_break_the_reader(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"random{suffix}"
    path.write_bytes(content)
    assert judge(path).errors


def test_a_geometry_of_no_bytes_is_a_finding_on_its_row(tmp_path: Path) -> None:
    text = (SAMPLES / "pipes_gcj02.geojson").read_text(encoding="utf-8")
    path = tmp_path / "a.geojson"
    path.write_text(text.replace('"geometry": {', '"geometry": null, "x": {', 1), encoding="utf-8")
    result = judge(path, "GCJ02")
    assert ("GX44030500001", "E_GEOMETRY") in {(f.object, f.code) for f in result.errors}


def test_a_bomb_inside_a_workbook_is_seen(tmp_path: Path) -> None:
    buffer = io.BytesIO((SAMPLES / "管网普查成果.xlsx").read_bytes())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(50 << 20))
    path = tmp_path / "a.xlsx"
    path.write_bytes(buffer.getvalue())
    assert "压缩炸弹" in first_error(path)
