"""What every page must have whatever it shows, and pictures of it in both themes and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

SIZES: tuple[tuple[str, int, int, Literal["dark", "light"]], ...] = (
    ("dark", 1366, 768, "dark"),
    ("light", 1366, 768, "light"),
    ("phone", 390, 844, "dark"),
    ("phone-light", 390, 844, "light"),
)
SEEN = """() => {
  const shown = (each) => each.checkVisibility({ checkVisibilityCSS: true });
  const named = (each) => each.labels?.length || each.ariaLabel || each.getAttribute("aria-labelledby") || each.title;
  const said = (each) => (each.innerText || each.ariaLabel || each.title || "").trim();
  const fields = [...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(shown);
  const doors = [...document.querySelectorAll("a[href], button")].filter(shown);
  return {
    lang: document.documentElement.lang,
    headings: document.querySelectorAll("h1").length,
    main: document.querySelectorAll("main").length,
    unlabelled: fields.filter((each) => !named(each)).map((each) => each.outerHTML.slice(0, 120)),
    nameless: doors.filter((each) => !said(each)).map((each) => each.outerHTML.slice(0, 120)),
    alts: [...document.images].filter((each) => !each.hasAttribute("alt")).map((each) => each.src),
    twice: [...document.querySelectorAll("[id]")].map((each) => each.id).filter((id, at, ids) => ids.indexOf(id) < at),
    wide: document.documentElement.scrollWidth - innerWidth,
  };
}"""
FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  return at !== document.body && (style.outlineStyle !== "none" || style.boxShadow !== "none");
}"""


def unsound(page: Page) -> list[str]:
    """Return what is wrong with the page that is open."""
    seen: dict[str, Any] = page.evaluate(SEEN)
    wrong = [f"{name}: {seen[name]}" for name in ("unlabelled", "nameless", "alts", "twice") if seen[name]]
    if seen["lang"] not in ("zh-CN", "en"):
        wrong.append(f"lang is {seen['lang']!r}")
    if seen["headings"] != 1 or seen["main"] != 1:
        wrong.append(f"{seen['headings']} h1, {seen['main']} main")
    if seen["wide"] > 0:
        wrong.append(f"{seen['wide']} px wider than the screen")
    page.keyboard.press("Tab")
    if not page.evaluate(FOCUS):
        wrong.append("the focus cannot be seen")
    return wrong


def picture(page: Page, address: str, name: str, folder: Path) -> list[str]:
    """Open a page in each size and theme, keep pictures of it and return what is wrong."""
    wrong: list[str] = []
    for look, width, height, theme in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme)
        page.goto(address)
        if address.startswith("/map"):
            page.locator("html[data-map-ready='1']").wait_for(state="attached")
        page.screenshot(path=folder / f"{name}-{look}.png")
        wrong += [f"{address} {look}: {each}" for each in unsound(page)]
    page.set_viewport_size({"width": 1366, "height": 768})
    page.emulate_media(color_scheme="dark")
    return wrong
