"""axe-core on an open page: what somebody who sees, hears or moves little would stumble over."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Each theme and each size once: colours do not depend on the size, nor names and roles on the theme.
LOOKS = ((1366, 768, "dark"), (390, 844, "light"))
REFUSED = ("serious", "critical")
# The policy of the page forbids scripts of others; the debugger's door, through which this one comes, is not bound.
# No rule that is refused here looks into style sheets, so they need not be fetched again.
RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return found.violations.map(({ id, impact, nodes }) => ({
    id, impact, places: nodes.map((node) => `${node.target.join(" ")} | ${node.failureSummary.split("\\n").at(-1).trim()}`),
  }));
}"""
# Without motion, so that no colour is read on its way from one theme to the other.
WEAR = """(theme) => {
  const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets = [still];
  document.documentElement.dataset.theme = theme;
}"""


def findings(page: Page) -> list[str]:
    """Return the serious and critical findings on the page as it looks now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    said: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{each['id']} ({each['impact']}): {place}"
        for each in said
        if each["impact"] in REFUSED
        for place in each["places"][:5]
    ]


def findings_in_all_looks(page: Page) -> list[str]:
    """Return the findings in the dark theme on a desk and in the light one on a phone."""
    wrong: list[str] = []
    for width, height, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(WEAR, theme)
        wrong += [f"{page.url} {theme} {width}: {each}" for each in findings(page)]
    return wrong
