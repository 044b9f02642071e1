"""The public base map: off it does not exist, on it is fetched once by the server, and a silent source costs no map."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from flask import Flask

from gis.basemap.proxy import NoPicture, Pictures
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.people import browser_of, make_person

PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 60


class Fake:
    """A source of pictures that counts what it is asked, and gives what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status, self.body = 200, PICTURE
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.asked.append(self.path)
                self.send_response(fake.status)
                self.end_headers()
                self.wfile.write(fake.body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.pattern = f"http://127.0.0.1:{self.server.server_port}/{{layer}}_w/wmts?TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk=KEY"


@pytest.fixture
def source() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_picture_is_fetched_once_and_then_kept_on_disk(source: Fake, tmp_path: Path) -> None:
    first, second = (Pictures(source.pattern, tmp_path / "kept.sqlite") for _ in range(2))
    assert first.picture("vec", 12, 3327, 1660) == second.picture("vec", 12, 3327, 1660) == PICTURE
    assert source.asked == ["/vec_w/wmts?TILEMATRIX=12&TILEROW=1660&TILECOL=3327&tk=KEY"]


@pytest.mark.parametrize(("status", "body"), [(500, PICTURE), (403, b"key"), (200, b"<html>"), (200, b"\x89PNG" + b"0" * 2_100_000)])
def test_what_is_no_picture_is_neither_shown_nor_kept(source: Fake, tmp_path: Path, status: int, body: bytes) -> None:
    pictures = Pictures(source.pattern, tmp_path / "kept.sqlite")
    source.status, source.body = status, body
    with pytest.raises(NoPicture) as told:
        pictures.picture("img", 3, 1, 1)
    assert "KEY" not in str(told.value)
    source.status, source.body = 200, PICTURE
    assert Pictures(source.pattern, tmp_path / "kept.sqlite").picture("img", 3, 1, 1) == PICTURE


def test_a_silent_source_is_left_alone_for_a_while(tmp_path: Path) -> None:
    pictures = Pictures("http://127.0.0.1:9/{z}", tmp_path / "kept.sqlite", wait_s=0.5)
    with pytest.raises(NoPicture):
        pictures.picture("vec", 1, 0, 0)
    with pytest.raises(NoPicture, match="a moment ago"):
        pictures.picture("vec", 1, 1, 0)


def test_the_cache_stays_below_its_bound(source: Fake, tmp_path: Path) -> None:
    source.body = PICTURE + b"0" * 20_000
    pictures = Pictures(source.pattern, tmp_path / "kept.sqlite", cache_most=200_000)
    for x in range(20):
        pictures.picture("vec", 8, x, 0)
    pictures.picture("vec", 8, 19, 0)
    assert len(source.asked) == 20
    pictures.picture("vec", 8, 0, 0)
    assert len(source.asked) == 21  # the oldest had gone


def test_off_nothing_of_it_exists_and_on_the_key_stays_on_the_server(
    app: Flask, settings: Settings, source: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(settings, CITY, worker=True) as session:
        browser = browser_of(session, app, make_person(session, app))
    assert browser.get("/basemap/vec/1/0/0").status_code == 404
    assert "map-raster" not in browser.get("/map").get_data(as_text=True)
    app.extensions.pop("basemap_pictures", None)
    on = replace(settings, basemap_url=source.pattern, basemap_note="GS(2026)0001", data_dir=tmp_path)
    monkeypatch.setitem(app.config, "PORTAL_SETTINGS", on)
    try:
        answer = browser.get("/basemap/vec/1/0/0")
        assert (answer.status_code, answer.content_type, answer.data) == (200, "image/png", PICTURE)
        page = browser.get("/map").get_data(as_text=True)
        assert "map-raster" in page and "GS(2026)0001" in page and "KEY" not in page
        source.status = 500
        assert browser.get("/basemap/vec/1/1/1").status_code in (502, 503)
        assert browser.get("/basemap/osm/1/0/0").status_code == browser.get("/basemap/vec/1/9/0").status_code == 404
    finally:
        app.extensions.pop("basemap_pictures", None)
    assert app.test_client().get("/basemap/vec/1/0/0").status_code in (302, 401)
