"""People of the journeys: an account made by command, logged in for the first time in the browser."""

from __future__ import annotations

import secrets

from playwright.sync_api import Page

from tests.journeys.stack import Stack


def enter(server: Stack, page: Page, role: str, name: str, *more: str) -> None:
    """Register somebody of a role, log in on the page and choose a password; `more` are options of `user create`."""
    login = f"p{secrets.token_hex(4)}"
    made = server.command("user", "create", login, "--name", name, "--role", role, *more).stdout.split()
    page.goto("/login")
    page.fill("#login", login)
    page.fill("#password", made[1])
    page.click("form[action='/login'] button[type=submit]")
    chosen = f"Wq5!{secrets.token_urlsafe(12)}"
    for field, value in (("old", made[1]), ("new", chosen), ("again", chosen)):
        page.fill(f"#{field}", value)
    page.click("form[action='/account/password'] button")
    page.wait_for_url("**/account")
