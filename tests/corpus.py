"""The corpus of bad input: every case made on the spot, with the code that every door must give."""

from __future__ import annotations

import gzip
import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import zstandard

from ingestion_adapters.samples import SAMPLES

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
SUFFIX_OF = {JSON: "json", NDJSON: "ndjson", CSV: "csv"}
TAKEN = ""
POINT = "ED1"
MB = 1 << 20
USER = {key: value for key, value in SAMPLES["User"].items() if key != "regulator"}
NODE, PIPE = SAMPLES["Node"], SAMPLES["Pipe"]
Make = Callable[[], bytes]


@dataclass(frozen=True)
class Case:
    """One bad (or merely odd) delivery: `code` is the answer, TAKEN when it is data like any other.

    A message has a content type and goes through every door, a file has a suffix only and goes through those of
    files. `at` names the doors where the same bytes mean something else, such as a text that only files may hold.
    """

    name: str
    dataset: str
    make: Make
    code: str
    content_type: str = ""
    encoding: str = ""
    suffix: str = ""
    status: int = 0
    at: dict[str, str] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        """Return whether only the doors of files can carry it."""
        return not self.content_type

    @property
    def file_suffix(self) -> str:
        """Return the suffix its file has, empty when it cannot lie in a file."""
        if self.suffix:
            return self.suffix
        return "" if self.encoding else SUFFIX_OF.get(self.content_type, "")

    def code_at(self, door: str) -> str:
        """Return the code a door must give."""
        return self.at.get(door, self.code)


def reading(**more: Any) -> dict[str, Any]:
    """Return a good reading, changed."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    return {"point": POINT, "t": at.isoformat(), "v": 2.0} | more


def records(*rows: Any) -> bytes:
    """Return the JSON body of rows."""
    return json.dumps({"records": rows}).encode()


def raw_reading(value: str, name: str = "v") -> bytes:
    """Return a JSON body whose reading has `value` as it stands."""
    row = json.dumps(reading(**{name: "@"}))
    return ('{"records": [' + row.replace('"@"', value) + "]}").encode()


def _row(name: str, dataset: str, row: Any, code: str, **more: Any) -> Case:
    return Case(name, dataset, lambda: records(row), code, JSON, **more)


def _json(name: str, make: Make, code: str, dataset: str = "RT", **more: Any) -> Case:
    return Case(name, dataset, make, code, JSON, **more)


def numbers() -> Iterator[Case]:
    """Give numbers that no measurement has."""
    for word in ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "01", "+1", "0x10", "1.", ".5", "1_000"):
        yield _json(f"number_{word}", lambda word=word: raw_reading(word), "E_SCHEMA", status=400)
    yield _json("number_minus_zero", lambda: raw_reading("-0"), TAKEN)
    yield _json("number_smallest", lambda: raw_reading("5e-324"), TAKEN)
    yield _json("number_1e308", lambda: raw_reading("1e308"), "E_RANGE")
    yield _json("number_400_digits", lambda: raw_reading("9" * 400), "E_SCHEMA")
    yield _json("number_a_million_digits", lambda: raw_reading("9" * 1_000_000), "E_SCHEMA")
    yield _json("number_beyond_64_bits", lambda: raw_reading(str(2**70)), "E_RANGE")
    yield _json("quality_beyond_64_bits", lambda: raw_reading(str(2**70), "q"), "E_SCHEMA")
    yield _json("instant_beyond_64_bits", lambda: raw_reading(str(2**63), "t"), "E_TIME")
    yield _json("instant_negative", lambda: raw_reading("-1", "t"), "E_TOO_OLD")
    yield _row("user_class_huge", "USR", USER | {"user_class": 10**30}, "E_SCHEMA")
    for name, value in (("text", "2.0"), ("list", [2.0]), ("object", {"v": 2}), ("null", None), ("true", True)):
        yield _row(f"value_is_{name}", "RT", reading(v=value), "E_SCHEMA")


def times() -> Iterator[Case]:
    """Give times and dates that are none, or none of ours."""
    for word, code in (
        ("0001-01-01T00:00:00Z", "E_TOO_OLD"),
        ("9999-12-31T23:59:59Z", "E_FUTURE"),
        ("9999-12-31T23:59:59-23:59", "E_FUTURE"),
        ("0001-01-01T00:00:00+23:59", "E_TOO_OLD"),
        ("2026-02-30T00:00:00Z", "E_TIME"),
        ("2016-12-31T23:59:60Z", "E_TIME"),
        ("2026-01-01T24:00:01Z", "E_TIME"),
        ("2026-01-01T00:00:00", "E_TIME"),
        ("2026-01-01T00:00:00+99:99", "E_TIME"),
        ("２０２６-01-01T00:00:00Z", "E_TIME"),
        ("", "E_TIME"),
    ):
        yield _row(f"time_{word}", "RT", reading(t=word), code)
    for word, code in (
        ("0001-01-01", "E_RANGE"),
        ("9999-12-31", "E_RANGE"),
        ("2026-02-30", "E_SCHEMA"),
        ("-2026-01-01", "E_SCHEMA"),
        ("2026-13-01", "E_SCHEMA"),
        ("12026-01-01", "E_SCHEMA"),
    ):
        yield _row(f"date_{word}", "USR", USER | {"last_check": word}, code)


def texts() -> Iterator[Case]:
    """Give signs that a database, a terminal or an eye trips over."""
    bad_codes = {
        "nul": "A\x00B", "escape": "A\x1b[2J", "line_break": "A\nB", "line_break_last": "AB\n", "delete": "A\x7f",
        "c1": "A\x85", "turned": "A\u202e123", "isolated": "A\u2066B", "invisible": "A\u200bB", "mark": "\ufeffA",
        "right_to_left_mark": "A\u200f", "line_separator": "A\u2028B", "empty": "", "long": "A" * 65,
        "two_megabytes": "A" * 2 * MB,
    }  # fmt: skip
    for name, word in bad_codes.items():
        yield _row(f"code_{name}", "USR", USER | {"user_no": word}, "E_SCHEMA")
    odd_codes = {
        "climbing": "../../../../etc/passwd", "absolute": "/etc/passwd", "windows": "C:\\CON", "device": "NUL",
        "sql": "'; drop table reading; --", "sql_union": "\" union select 1 --", "format": "%s%n%(x)s", "html":
        "<script>alert(1)</script>", "template": "{{7*7}}${7*7}", "formula": "=cmd|' /C calc'!A0", "cyrillic": "А1",
        "full_width": "Ａ１", "astral": "𠮷𝟙", "combining": "e\u0301", "arabic": "محطة",
    }  # fmt: skip
    for name, word in odd_codes.items():
        yield _row(f"code_{name}", "USR", USER | {"user_no": word}, TAKEN)
        yield _row(f"point_{name}", "RT", reading(point=word), "E_UNKNOWN_OBJECT")
    yield _row("point_nul", "RT", reading(point="ED1\x00"), "E_SCHEMA")
    yield _row("text_turned", "USR", USER | {"address": "路\u202e12"}, "E_SCHEMA")
    yield _row("text_nul", "USR", USER | {"address": "路\x0012"}, "E_SCHEMA")
    yield _json("lone_surrogate", lambda: raw_reading('"\\ud800"', "point"), "E_SCHEMA", status=400)
    yield _json("surrogate_as_bytes", lambda: raw_reading('"@@"', "point").replace(b"@@", b"\xed\xa0\x80"), "E_SCHEMA")
    yield _json("overlong_utf8", lambda: raw_reading('"@@"', "point").replace(b"@@", b"\xc0\xaf"), "E_SCHEMA",
                # A file is read as GB 18030 then, in which these bytes are a sign.
                at={"drop": "E_UNKNOWN_OBJECT", "upload": "E_UNKNOWN_OBJECT"})
    yield _json("bare_control", lambda: raw_reading('"@@"', "point").replace(b"@@", b"\x01\x02"), "E_SCHEMA")
    yield _row("field_of_10_mb", "USR", USER | {"address": "长" * (9 * MB // 6)}, "E_SCHEMA")


def shapes() -> Iterator[Case]:
    """Give bodies whose form is the attack."""
    yield _json("deep_lists", lambda: b"[" * 100_000 + b"]" * 100_000, "E_SCHEMA", status=400)
    yield _json("deep_objects", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "E_SCHEMA", status=400)
    yield _json("deep_record", lambda: b'{"records":[' + b"[" * 900 + b"]" * 900 + b"]}", "E_SCHEMA")
    yield _json("deep_unclosed", lambda: b"[" * 5_000_000, "E_QUOTA", status=413)
    yield _json("doubled_keys", lambda: raw_reading('1.0, "v": 2.0'), TAKEN)
    yield _json("doubled_records", lambda: b'{"records": [], "records": [1]}', "E_SCHEMA")
    yield _json("no_object", lambda: b"[]", "E_SCHEMA", status=400)
    yield _json("null", lambda: b"null", "E_SCHEMA", status=400)
    yield _json("records_null", lambda: b'{"records": null}', "E_SCHEMA", status=400)
    yield _json("records_object", lambda: b'{"records": {}}', "E_SCHEMA", status=400)
    yield _json("trailing", lambda: records(reading()) + b"x", "E_SCHEMA", status=400)
    yield _json("half", lambda: records(*[reading()] * 50)[:-300], "E_SCHEMA", status=400)
    yield _json("empty", lambda: b"", "E_SCHEMA", status=400)
    yield _json("nul_bytes", lambda: b"\x00" * 4096, "E_SCHEMA", status=400)
    yield _json("utf_16", lambda: records(reading()).decode().encode("utf-16"), "E_SCHEMA", at=_FILES_READ_IT)
    yield _json("utf_32", lambda: records(reading()).decode().encode("utf-32"), "E_SCHEMA")
    yield _json("gbk", lambda: json.dumps({"records": [USER | {"user_no": "燃气"}]}, ensure_ascii=False).encode("gbk"),
                "E_SCHEMA", "USR", at=_FILES_READ_IT)
    yield _json("byte_order_mark", lambda: b"\xef\xbb\xbf" + records(reading()), TAKEN)
    yield _json("rows_of_nothing", lambda: b'{"records":[' + b"{}," * 3_300_000 + b"{}]}", "E_QUOTA", status=413)
    yield _json("rows_of_one_field", lambda: b'{"records":[' + b'{"a":1},' * 1_250_000 + b"{}]}", "E_QUOTA")
    yield _json("rows_of_ones", lambda: b'{"records":[' + b"1," * 4_500_000 + b"1]}", "E_QUOTA")
    yield _json("row_of_a_million_fields", lambda: b'{"records":[{' + b",".join(
        b'"%x":1' % n for n in range(900_000)) + b"}]}", "E_SCHEMA")
    yield _json("points_without_places", lambda: json.dumps(
        {"points": [POINT], "p": [1], "t": [0], "v": [1]}).encode(), "E_SCHEMA", status=400)
    yield _json("columns_of_two_lengths", lambda: json.dumps(
        {"points": [POINT], "p": [0, 0], "t": [0], "v": [1]}).encode(), "E_SCHEMA", status=400)
    for number, row in enumerate((None, 1, "x", [], [[]], True)):
        yield _row(f"row_of_kind_{number}", "RT", row, "E_SCHEMA")
        yield _row(f"user_of_kind_{number}", "USR", row, "E_SCHEMA")


_FILES_READ_IT = dict.fromkeys(("drop", "upload"), TAKEN)


def other_texts() -> Iterator[Case]:
    """Give NDJSON, CSV and content types that do not hold what they say."""
    one = json.dumps(reading()).encode()
    yield Case("ndjson_half", "RT", lambda: one + b"\n" + one[:-5], "E_SCHEMA", NDJSON)
    yield Case("ndjson_line_breaks", "RT", lambda: b"\n" * (9 * MB), "E_QUOTA", NDJSON)
    yield Case("ndjson_tiny_lines", "RT", lambda: b"12\n" * (3 * MB), "E_QUOTA", NDJSON)
    yield Case("ndjson_separator", "RT", lambda: one.replace(b"ED1", "ED1\u2028".encode()), "E_SCHEMA", NDJSON)
    head = b"point,t,v\n"
    yield Case("csv_no_header", "RT", lambda: b"1,2,3\n4,5,6\n", "E_SCHEMA", CSV)
    yield Case("csv_empty", "RT", lambda: b"", "E_SCHEMA", CSV)
    yield Case("csv_doubled_header", "RT", lambda: b"point,t,v,v\nED1,0,1,2\n", "E_SCHEMA", CSV)
    yield Case("csv_nul", "RT", lambda: head + b"ED\x001,0,1\n", "E_SCHEMA", CSV)
    yield Case("csv_open_quote", "RT", lambda: head + b'"ED1,0,1\n' * 3, "E_SCHEMA", CSV)
    yield Case("csv_nan", "RT", lambda: head + f"ED1,{reading()['t']},NaN\n".encode(), "E_RANGE", CSV)
    yield Case("csv_1e400", "RT", lambda: head + f"ED1,{reading()['t']},1e400\n".encode(), "E_SCHEMA", CSV)
    yield Case("csv_a_million_columns", "RT", lambda: b",".join(b"%x" % n for n in range(10**6)) + b"\nx\n",
               "E_SCHEMA", CSV)
    yield Case("csv_short_rows_of_many_columns", "RT", lambda: b",".join(
        b"%x" % n for n in range(1000)) + b"\nx" * 100_000, "E_SCHEMA", CSV)
    yield Case("csv_field_of_10_mb", "RT", lambda: head + b"A" * (9 * MB) + b",0,1\n", "E_SCHEMA", CSV)
    yield Case("csv_a_million_rows", "RT", lambda: head + b"A,1,2\n" * 1_000_000, "E_QUOTA", CSV)
    yield Case("csv_gbk", "USR", lambda: _csv(USER | {"user_no": "燃气1"}).encode("gbk"), "E_SCHEMA", CSV,
               at=_FILES_READ_IT)
    yield Case("csv_utf_16", "USR", lambda: _csv(USER | {"user_no": "U16"}).encode("utf-16"), "E_SCHEMA", CSV,
               at=_FILES_READ_IT)
    yield Case("csv_byte_order_mark", "USR", lambda: b"\xef\xbb\xbf" + _csv(USER | {"user_no": "B1"}).encode(), TAKEN, CSV)
    yield Case("csv_broken_utf8", "USR", lambda: _csv(USER | {"user_no": "@"}).encode().replace(b"@", b"\xff\xfe\x80"),
               "E_SCHEMA", CSV)
    for word in ("text/html", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        yield Case(f"type_{word or 'none'}", "RT", lambda: records(reading()), "E_SCHEMA", word or "none/none", status=415)


def _csv(row: dict[str, Any]) -> str:
    flat = {name: value for name, value in row.items() if not isinstance(value, list | dict)}
    return ",".join(flat) + "\n" + ",".join(str(value) for value in flat.values()) + "\n"


def packed() -> Iterator[Case]:
    """Give compressed bodies: bombs, torn ones, ones that lie."""
    bomb = gzip.compress(b" " * (39 * MB), 9, mtime=0)
    yield Case("gzip_bomb", "RT", lambda: bomb * 140, "E_QUOTA", JSON, "gzip", status=413)
    yield Case("gzip_of_gzip", "RT", lambda: gzip.compress(bomb), "E_SCHEMA", JSON, "gzip")
    yield Case("gzip_torn", "RT", lambda: gzip.compress(records(reading()))[:-6], "E_SCHEMA", JSON, "gzip", status=400)
    yield Case("gzip_is_none", "RT", lambda: records(reading()), "E_SCHEMA", JSON, "gzip", status=400)
    yield Case("gzip_wrong_sum", "RT", lambda: gzip.compress(records(reading()))[:-8] + b"\0" * 8, "E_SCHEMA", JSON, "gzip")
    yield Case("gzip_empty_objects", "RT", lambda: gzip.compress(b'{"records":[' + b"{}," * (20 * MB) + b"{}]}"),
               "E_QUOTA", JSON, "gzip", status=413)
    yield Case("gzip_blanks", "RT", lambda: bomb, "E_SCHEMA", JSON, "gzip", status=400)
    yield Case("gzip_blank_lines", "RT", lambda: gzip.compress(b"\n" * (39 * MB)), "E_QUOTA", NDJSON, "gzip")
    yield Case("gzip_csv_cells", "RT", lambda: gzip.compress(b"point,t,v\n" + b"," * (38 * MB)), "E_QUOTA", CSV, "gzip")
    yield Case("zstd_bomb", "RT", lambda: zstandard.compress(b" " * (256 * MB)), "E_QUOTA", JSON, "zstd", status=413)
    yield Case("zstd_many", "RT", lambda: zstandard.compress(b" " * (38 * MB)) * 1000, "E_QUOTA", JSON, "zstd")
    yield Case("zstd_torn", "RT", lambda: zstandard.compress(records(reading()))[:-3], "E_SCHEMA", JSON, "zstd")
    yield Case("zstd_wide_window", "RT", _wide_window, "E_SCHEMA", JSON, "zstd")
    yield Case("encoding_br", "RT", lambda: records(reading()), "E_SCHEMA", JSON, "br", status=415)


def _wide_window() -> bytes:
    """Return a zstd frame that asks for a window of 128 MB."""
    wide = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    machine = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    return machine.compress(records(reading())) + machine.flush()


def geometries() -> Iterator[Case]:
    """Give places that are none."""

    def pipe(name: str, coordinates: Any, code: str, kind: str = "LineString") -> Case:
        geom = {"type": kind, "coordinates": coordinates}
        return Case(f"geom_{name}", "NET", lambda: records(PIPE | {"geom": geom}), code, JSON)

    yield pipe("empty", [], "E_GEOMETRY")
    yield pipe("one_point", [[104.1, 30.6]], "E_GEOMETRY")
    yield pipe("no_length", [[104.1, 30.6], [104.1, 30.6]], "E_GEOMETRY")
    yield pipe("projected", [[500123.4, 3391234.5], [500200.0, 3391300.0]], "E_CRS")
    yield pipe("swapped", [[30.6, 104.1], [30.7, 104.1]], "E_CRS")
    yield pipe("of_words", [["a", "b"], ["c", "d"]], "E_SCHEMA")
    yield pipe("of_nulls", [[None, None], [1, 2]], "E_SCHEMA")
    yield pipe("of_one_axis", [[104.1], [104.2]], "E_SCHEMA")
    yield pipe("of_five_axes", [[104.1, 30.6, 1, 2, 3], [104.2, 30.6, 1, 2, 3]], "E_SCHEMA")
    yield pipe("polygon", [[[104.1, 30.6], [104.2, 30.6], [104.2, 30.7], [104.1, 30.6]]], "E_SCHEMA", "Polygon")
    yield pipe("polygon_unclosed", [[[104.1, 30.6], [104.2, 30.6], [104.2, 30.7]]], "E_SCHEMA", "Polygon")
    yield Case("geom_nan", "NET", lambda: records(PIPE | {"geom": "@"}).replace(
        b'"@"', b'{"type":"LineString","coordinates":[[NaN,1],[2,3]]}'), "E_SCHEMA", JSON, status=400)
    yield _row("place_projected", "USR", USER | {"lon": 500123.4, "lat": 3391234.5}, "E_CRS")
    yield _row("place_swapped", "USR", USER | {"lon": 30.6, "lat": 104.1}, "E_CRS")


def messages() -> list[Case]:
    """Return every case that is a message."""
    kinds = (numbers, times, texts, shapes, other_texts, packed, geometries)
    return [case for kind in kinds for case in kind()]


def _zip(*members: tuple[str, bytes], link: bool = False) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if link:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content)
    return raw.getvalue()


def _declares_10_gb() -> bytes:
    """Return an archive whose directory promises ten gigabytes."""
    whole = bytearray(_zip(("a.shp", b"\0" * 1000)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = whole.index(mark) + place
        whole[at : at + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    return bytes(whole)


def _overlapping() -> bytes:
    """Return an archive of 19 big members of which each is a bomb."""
    return _zip(*[(f"{n}.shp", b"\0" * (9 * MB)) for n in range(19)])


def archives() -> Iterator[Case]:
    """Give zip archives that reach outside, hide, or swell."""
    for name, make in {
        "slip": lambda: _zip(("../../../../tmp/evil.shp", b"x")),
        "slip_windows": lambda: _zip(("..\\..\\evil.shp", b"x")),
        "absolute": lambda: _zip(("/etc/cron.d/evil.shp", b"x")),
        "drive": lambda: _zip(("C:/evil.shp", b"x")),
        "link": lambda: _zip(("a.shp", b"/etc/passwd"), link=True),
        "nested": lambda: _zip(("inner.zip", _zip(("inner.zip", _zip(("a.shp", b"x")))))),
        "bomb": lambda: _zip(("a.shp", b"\0" * (150 * MB))),
        "bombs": _overlapping,
        "ten_gigabytes": _declares_10_gb,
        "members": lambda: _zip(*[(f"{n}.shp", b"") for n in range(5000)]),
        "doubled": lambda: _zip(("a.shp", b"1"), ("A.SHP", b"2")),
        "half": lambda: _zip(("a.shp", b"x" * 5000))[:-40],
        "none": lambda: b"PK\x03\x04 no archive",
        "shapes_of_noise": lambda: _zip(("a.shp", b"\xff" * 500), ("a.shx", b"\xff" * 500), ("a.dbf", b"\xff" * 500)),
    }.items():
        yield Case(f"zip_{name}", "USR", make, "E_SCHEMA", suffix="zip")


def _sheet(*lines: list[Any]) -> bytes:
    book, raw = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(raw)
    return raw.getvalue()


def _with_part(name: str, content: bytes, *, instead: bool = True) -> bytes:
    """Return a workbook with one part changed or added."""
    raw = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_sheet(["point", "t", "v"], ["ED1", "x", 1]))) as good, zipfile.ZipFile(
        raw, "w", zipfile.ZIP_DEFLATED
    ) as bad:
        for member in good.namelist():
            if not (instead and member == name):
                bad.writestr(member, good.read(member))
        bad.writestr(name, content)
    return raw.getvalue()


_XXE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst>&e;</sst>'
_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY b%d "%s">' % (n, (b"&b%d;" % (n - 1) if n else b"&a;") * 10) for n in range(10)
) + b"]><sst>&b9;</sst>"


def workbooks() -> Iterator[Case]:
    """Give XLSX files with more in them than cells."""
    sheet = "xl/worksheets/sheet1.xml"
    yield Case("xlsx_xxe", "RT", lambda: _with_part("xl/sharedStrings.xml", _XXE), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_laughs", "RT", lambda: _with_part(sheet, _LAUGHS), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_xxe_utf16", "RT", lambda: _with_part(
        "xl/sharedStrings.xml", _XXE.decode().encode("utf-16")), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_macro", "RT", lambda: _with_part("xl/vbaProject.bin", b"x", instead=False), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_bomb", "RT", lambda: _with_part(sheet, b"<a>" + b" " * (150 * MB) + b"</a>"), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_slip", "RT", lambda: _with_part("../evil.xml", b"x", instead=False), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_deep", "RT", lambda: _with_part(sheet, b"<a>" * 100_000), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_far_cell", "RT", lambda: _with_part(
        sheet, b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_formula", "RT", lambda: _sheet(["point", "t", "v"], ["ED1", reading()["t"], "=1+1"]), "E_SCHEMA",
               suffix="xlsx")
    yield Case("xlsx_external_link", "RT", lambda: _sheet(
        ["point", "t", "v"], ["ED1", reading()["t"], "='http://127.0.0.1:9/[x.xlsx]S'!A1"]), "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_errors", "RT", lambda: _sheet(["point", "t", "v"], ["ED1", reading()["t"], "#DIV/0!"]), "E_SCHEMA",
               suffix="xlsx")
    yield Case("xlsx_none", "RT", lambda: b"point,t,v\n", "E_SCHEMA", suffix="xlsx")
    yield Case("xlsx_empty", "RT", lambda: _sheet(), "E_SCHEMA", suffix="xlsx")


def layers() -> Iterator[Case]:
    """Give GeoJSON layers of users whose places are none."""

    def layer(name: str, geometry: Any, code: str, raw: bytes = b"") -> Case:
        feature = {"type": "Feature", "properties": {k: v for k, v in USER.items() if k not in ("lon", "lat")},
                   "geometry": geometry}
        whole = {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "EPSG:4490"}},
                 "features": [feature]}
        body = json.dumps(whole).encode()
        return Case(f"layer_{name}", "USR", lambda: body.replace(b'"@"', raw), code, suffix="geojson")

    yield layer("polygon", {"type": "Polygon", "coordinates": [[[104, 30], [105, 30], [104, 30.5]]]}, "E_SCHEMA")
    yield layer("crossing", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, "E_SCHEMA")
    yield layer("empty", {"type": "Point", "coordinates": []}, "E_SCHEMA")
    yield layer("nothing", None, "E_SCHEMA")
    yield layer("nan", "@", "E_SCHEMA", b'{"type":"Point","coordinates":[NaN,1]}')
    yield layer("1e400", "@", "E_SCHEMA", b'{"type":"Point","coordinates":[1e400,1]}')
    yield layer("deep", "@", "E_SCHEMA", b"[" * 100_000)
    yield layer("swapped", {"type": "Point", "coordinates": [30.6, 104.1]}, "E_CRS")
    yield layer("three_axes", {"type": "Point", "coordinates": [104.1, 30.6, 480.0]}, TAKEN)
    yield Case("layer_without_system", "USR", lambda: json.dumps({
        "type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"user_no": "L9"}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
        ]}).encode(), "E_CRS", suffix="geojson", at={"upload": "no receipt"})  # the page asks for the system
    yield Case("gpkg_of_noise", "USR", lambda: b"SQLite format 3\0" + b"\xff" * 4000, "E_SCHEMA", suffix="gpkg")
    yield Case("executable", "USR", lambda: b"\x7fELF" + b"\0" * 4000, "E_SCHEMA", suffix="csv")
    yield Case("noise", "USR", lambda: bytes(range(256)) * 100, "E_SCHEMA", suffix="csv")


def files() -> list[Case]:
    """Return every case that is a file."""
    return [case for kind in (archives, workbooks, layers) for case in kind()]
