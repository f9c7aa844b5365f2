"""A margin account in a real browser: what a short sale changes, lots by name, settings."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_trading import place, wait_until_live
from tests.live_server import LiveServer

pytestmark = pytest.mark.timeout(300)

ON_MARGIN = """
from accounts.models import Account
from marketdata.models import Instrument
from portfolio.models import Balance
Account.objects.update(margin=True, lot_method="specific")
Balance.objects.update(may_be_negative=True)
Instrument.objects.filter(symbol="AAPL").update(
    marginable=True, shortable=True, easy_to_borrow=True)
"""


def test_a_short_sale_is_said_in_words_and_numbers_before_it_leaves(
    customer: Callable[..., Visitor], program: LiveServer
) -> None:
    visitor = customer(deposit="30000")
    done = program.run("shell", "-c", ON_MARGIN)
    assert done.returncode == 0, done.stderr
    page = visitor.page
    page.reload()
    wait_until_live(visitor)
    page.locator("#main").focus()
    page.keyboard.press("s")
    page.keyboard.type("10")
    expect(page.locator("#quantity-note")).to_have_text("Sells short: you have none")
    expect(page.locator("#review")).to_have_text("Review short sale")
    expect(page.locator("[data-ticket=margin-after]")).to_have_text(re.compile(r"^1,\d{3}\.\d\d$"))
    page.keyboard.press("Enter")
    expect(page.locator("#review-title")).to_have_text("Sell short 10 AAPL")
    facts = page.locator("#review-facts")
    expect(facts).to_contain_text(re.compile("SEC fee.*FINRA trading activity fee", re.DOTALL))
    expect(facts).to_contain_text("Required to keep")
    expect(page.locator("#place")).to_have_text("Place short sale")
    page.keyboard.press("Enter")
    visitor.wait_for_text("#placed-state", r"Filled: 10 at \d")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    place(page, side="b", quantity="10")
    expect(page.locator("#placed-title")).to_have_text("Buy to cover 10 AAPL")
    visitor.wait_for_text("#placed-state", r"Filled: 10 at \d")
    page.keyboard.press("Escape")
    place(page, side="b", quantity="5")
    visitor.wait_for_text("#placed-state", r"Filled: 5 at \d")

    visitor.go("/account/positions/AAPL")
    page.locator("[name=lot]").first.check()
    page.get_by_role("button", name="Sell these lots at the market").click()
    expect(page.locator("#lot-sale-note")).to_contain_text("Brings about")
    page.get_by_role("button", name=re.compile("Sell 5 AAPL now")).click()
    page.wait_for_url(re.compile("/orders/[0-9a-f-]{36}$"))
    visitor.wait_for_text("#order-state", "Filled")

    visitor.go("/account")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    page.get_by_label("Selling short is allowed").uncheck()
    visitor.wait_for_text("#choices-state", "Kept")
    page.reload()
    expect(page.get_by_label("Selling short is allowed")).not_to_be_checked()
