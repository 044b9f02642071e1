"""Fixtures of the journeys: the portal as it is installed, and a browser that tolerates nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.databases import migrated_database
from tests.journeys.stack import Stack

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # Maps still draw through WebGL; plain pages need no emulated graphics card, which costs ten times the processor time.
    "--disable-gpu-compositing",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPORT_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation',"
    " (found) => console.error('csp', found.violatedDirective, found.blockedURI))"
)
# Software rendering on a busy machine is slow; what must be fast is measured, not awaited.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def portal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give the portal, all its processes running; none may be left afterwards.

    On a database of its own: its scheduler would do the work that other tests wait to do themselves.
    """
    with migrated_database(f"test_{os.getpid()}_journeys") as database:
        stack = Stack(database, tmp_path_factory.mktemp("portal"))
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give the system's Chromium."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed; script/bootstrap --test does it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


class Watched:
    """A browser context in which a foreign request, an error or a violation of the policy is remembered."""

    def __init__(self, browser: Browser, server: Stack, downloads: Path) -> None:
        """Open the context, in Chinese."""
        self.server, self.downloads = server, downloads
        self.foreign: list[str] = []
        self.wrong: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=server.url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport={"width": 1366, "height": 768},
            # Software draws every frame of a moving part, and two cores have better things to do.
            reduced_motion="reduce",
            accept_downloads=True,
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.route("**/*", self._guard)

    def page(self) -> Page:
        """Open a watched page."""
        page = self.context.new_page()
        page.on("console", lambda said: self._complain(page, said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._complain(page, str(error)))
        page.add_init_script(REPORT_VIOLATIONS)
        return page

    def close(self) -> None:
        """Close the context."""
        self.context.close()

    def verdict(self) -> list[str]:
        """Return everything that should not have happened."""
        return [*(f"foreign request: {url}" for url in self.foreign), *self.wrong]

    def _complain(self, page: Page, words: str) -> None:
        self.wrong.append(f"{words} ({page.url})")

    def _guard(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("data", "blob") or parts.netloc == f"127.0.0.1:{self.server.port}":
            route.continue_()
            return
        self.foreign.append(route.request.url)
        route.abort()


@pytest.fixture
def watched(chromium: Browser, portal_server: Stack, tmp_path: Path) -> Iterator[Watched]:
    """Give a watched browser context and refuse what it remembers."""
    found = Watched(chromium, portal_server, tmp_path)
    yield found
    found.close()
    assert not found.verdict()


@pytest.fixture
def page(watched: Watched) -> Page:
    """Give a watched page."""
    return watched.page()
