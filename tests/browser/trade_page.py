"""The trade page as a person uses it: read, wait, place."""

from __future__ import annotations

from decimal import Decimal

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor


def amount(text: str) -> Decimal:
    """Read a number as the page writes it: thousands' commas and a true minus."""
    return Decimal(text.replace(",", "").replace("\u2212", "-"))


def wait_until_live(visitor: Visitor) -> None:
    visitor.wait_for_text("[data-strip=connection]", "Live")
    visitor.wait_for_text("[data-quote=ask]", r"\d")


def place(page: Page, *, quantity: str, side: str = "b", limit: str = "") -> None:
    """Fill the ticket in, review it and place it, by keyboard alone."""
    page.locator("#main").focus()
    page.keyboard.press(side)
    page.keyboard.type(quantity)
    if limit:
        page.get_by_label("Limit", exact=True).check()
        page.get_by_label("Limit price, USD").fill(limit)
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_be_focused()
    page.keyboard.press("Enter")
