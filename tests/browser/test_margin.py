"""A margin account in a real browser: what a short sale changes, lots by name, settings."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Visitor
from tests.browser.trade_page import amount, place, wait_until_live
from tests.live_server import LiveServer

TO_BE_CALLED = """
from django.utils import timezone
from marketdata import calendars
from marketdata.models import Instrument
from risk.margin.models import MarginRate
MarginRate.objects.create(
    instrument=Instrument.objects.get(symbol="MSFT"), since=calendars.date_of(timezone.now()),
    initial="1", maintenance_long="1", maintenance_short="1", reason="Earnings tonight")
"""


def test_a_short_sale_is_said_in_words_and_numbers_before_it_leaves(
    customer: Callable[..., Visitor],
) -> None:
    visitor = customer(deposit="30000", margin=True, at="/account")
    page = visitor.page
    page.get_by_label("Lots that a sale closes first").select_option("specific")
    visitor.wait_for_text("#choices-state", "Kept")
    visitor.go("/")
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


def test_a_short_position_is_protected_on_a_phone_by_exits_that_buy_it_back(
    customer: Callable[..., Visitor],
) -> None:
    visitor = customer(deposit="30000", margin=True, viewport=NARROW)
    page = visitor.page
    visitor.wait_for_text("[data-strip=connection]", "Live")
    visitor.wait_for_text("[data-quote=last]", r"\d")
    place(page, side="s", quantity="10")
    visitor.wait_for_text("#placed-state", r"Filled: 10 at \d")
    page.keyboard.press("Escape")
    ask = amount(visitor.text("[data-quote=ask]"))

    page.get_by_role("link", name="Portfolio").click()
    page.get_by_role("button", name="Protect the position in AAPL").click()
    expect(page.locator("[name=kind][value=oco]")).to_be_checked()
    expect(page.locator("[name=side][value=buy]")).to_be_checked()
    expect(page.locator("#quantity")).to_have_value("10")
    expect(page.get_by_label("And not above, USD")).to_be_visible()
    page.get_by_label("Take profit at, USD").fill(f"{ask + 20:.2f}")
    page.get_by_label("Stop loss at, USD").fill(f"{ask - 20:.2f}")
    page.locator("#quantity").press("Enter")
    expect(page.locator("#take_profit-error")).to_contain_text("must lie below the price now")
    expect(page.locator("#stop_loss-error")).to_contain_text("must lie above the price now")
    page.get_by_label("Take profit at, USD").fill(f"{ask - 20:.2f}")
    page.get_by_label("Stop loss at, USD").fill(f"{ask + 20:.2f}")
    expect(page.locator("#take_profit-note")).to_contain_text("+")
    expect(page.locator("#stop_loss-note")).to_contain_text("−")
    page.locator("#quantity").press("Enter")
    expect(page.locator("#review-note")).to_contain_text("Whichever price comes first buys back")
    page.get_by_role("button", name="Place both exits").click()
    expect(page.locator("#placed-title")).to_have_text("Buy to cover 10 AAPL")
    visitor.wait_for_text("#placed-state", "Working")
    expect(page.locator("#placed-legs li")).to_have_text([re.compile(r"Stop loss: Stop .*Held")])


def test_a_margin_call_is_said_on_every_page_and_what_is_missing_on_the_account_s(
    customer: Callable[..., Visitor], program: LiveServer
) -> None:
    visitor = customer(deposit="10000", margin=True, at="/trade/MSFT")
    page = visitor.page
    wait_until_live(visitor)
    place(page, side="b", quantity="30")
    visitor.wait_for_text("#placed-state", r"Filled: 30 at \d")
    call = page.get_by_role("link", name="Margin call")
    expect(call).to_be_hidden()
    program.console("shell", "-c", TO_BE_CALLED)
    expect(call).to_be_visible()
    call.click()
    visitor.wait_for_text("#margin-calls h2", r"Margin call: [\d,]+\.\d\d USD missing")
    visitor.wait_for_text("[data-strip=connection]", "Live")
    page.get_by_role("button", name=re.compile("Deposit 10,000")).click()
    expect(page.locator("#margin-calls section")).to_have_count(0)
    expect(call).to_be_hidden()
