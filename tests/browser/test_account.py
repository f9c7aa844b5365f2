"""What the account page does, in a real browser."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable

from playwright.sync_api import WebSocket, expect

from tests.browser.conftest import NARROW, Visitor


def test_an_empty_account_is_given_simulated_money(customer: Callable[..., Visitor]) -> None:
    visitor = customer(deposit=None, at="/account")
    page = visitor.page
    page.get_by_role("button", name=re.compile("Deposit")).click()
    visitor.wait_for_text("#deposit-state", "10,000.00 USD deposited")
    expect(page.locator("[data-money=cash]")).to_have_text("10,000.00")
    expect(page.locator("[data-strip=equity]")).to_have_text("10,000.00")
    # What the server wrote follows without a reload: settled cash, the deposit, the curve.
    expect(page.locator("#settled")).to_have_text("10,000.00")
    row = page.get_by_role("row", name=re.compile("Deposit 10,000.00 USD Settled"))
    expect(row).to_be_visible()
    expect(page.locator("#curve-notice")).to_be_hidden()


def test_the_curve_of_an_account_begins_with_its_first_money(
    customer: Callable[..., Visitor],
) -> None:
    visitor = customer(deposit=None, viewport=NARROW, at="/account")
    page = visitor.page
    expect(page.locator("#curve-notice")).to_contain_text("begins with the first money")
    page.get_by_role("button", name=re.compile("Deposit")).click()
    visitor.wait_for_text("#deposit-state", "10,000.00 USD deposited")
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator("#curve-notice")).to_be_hidden()
    expect(page.locator("#curve-gain")).to_have_text("0.00 (0.00%)")  # a deposit is no gain
    label = re.compile("now 10,000.00 USD, lowest 10,000.00, highest 10,000.00")
    expect(page.locator("#curve")).to_have_attribute("aria-label", label)
    expect(page.locator("#curve canvas").first).to_be_visible()
    page.reload()
    pressed = page.locator("#periods button[aria-pressed=true]")
    expect(pressed).to_have_text("All")  # as it was chosen
    page.get_by_label("Light", exact=True).check()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


def test_what_the_account_is_worth_goes_on_after_a_lost_connection(
    customer: Callable[..., Visitor],
) -> None:
    """The page says how far it has come, and is sent what is newer: a difference, not all of it."""
    visitor = customer(deposit=None)
    page, heard, asked = visitor.page, [], []

    def watch(socket: WebSocket) -> None:
        if socket.url.endswith("/binary"):
            return  # prices alone
        asked.append(socket.url)
        socket.on("framereceived", lambda frame: heard.append(json.loads(frame)))

    page.on("websocket", watch)
    visitor.go("/account")
    visitor.wait_for_text("[data-strip=connection]", "Live")
    page.get_by_role("button", name=re.compile("Deposit")).click()
    expect(page.locator("[data-strip=equity]")).to_have_text("10,000.00")
    page.context.set_offline(True)
    visitor.wait_for_text("[data-strip=connection]", "Offline")
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    page.context.set_offline(False)
    visitor.wait_for_text("[data-strip=connection]", "Live")
    page.get_by_role("button", name=re.compile("Deposit")).click()
    expect(page.locator("[data-strip=equity]")).to_have_text("20,000.00")
    worth = [each for each in heard if each["type"] == "portfolio"]
    assert [each["since"] is None for each in worth].count(True) == 1
    assert worth[0]["since"] is None
    seen = f"?portfolio={worth[0]['stream']}:"
    assert [seen in address for address in asked] == [False, True]


def test_a_key_shows_its_secret_once_and_is_revoked_by_a_second_press(
    customer: Callable[..., Visitor],
) -> None:
    visitor = customer(at="/account")
    page = visitor.page
    page.get_by_label("Name of the new key").fill("a test")
    page.get_by_role("button", name="Create a key").click()
    expect(page.locator("#secret-secret")).to_have_text(re.compile(r"^[\w-]{43}$"))
    key_id, secret = visitor.text("#secret-key"), visitor.text("#secret-secret")
    page.get_by_role("button", name="I have kept it").click()
    page.reload()
    row = page.locator(f"#key-rows tr[data-key={key_id}]")
    expect(row).to_contain_text("Works")
    expect(page.locator("#secret-secret")).to_be_hidden()
    assert visitor.text("body").count("a test") == 1
    rotate, revoke = (row.locator(f"[data-act={act}]") for act in ("rotate", "revoke"))
    rotate.click()
    expect(rotate).to_contain_text("another day")
    expect(page.locator("#secret-secret")).to_be_hidden()
    rotate.click()
    expect(page.locator("#secret-secret")).to_have_text(re.compile(r"^[\w-]{43}$"))
    assert page.locator("#secret-secret").inner_text() != secret
    expect(page.locator("#secret-key")).to_have_text(key_id)
    expect(row).to_contain_text("with the secret of before until")
    revoke.click()
    expect(revoke).to_contain_text("for ever")
    expect(row).to_contain_text("Works")
    revoke.click()
    expect(row).to_contain_text("Revoked")
    expect(rotate).to_be_hidden()


def test_theme_and_colours_are_kept(customer: Callable[..., Visitor]) -> None:
    visitor = customer(at="/account")
    page = visitor.page
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_label("Light", exact=True).check()
    page.get_by_label("Blue and orange").check()
    assert page.evaluate(ground) != dark
    visitor.go("/orders")
    assert page.evaluate(ground) != dark
    assert page.evaluate("document.documentElement.dataset.colours") == "blue-orange"


def test_what_does_not_exist_is_said_in_plain_words(customer: Callable[..., Visitor]) -> None:
    visitor = customer(at="/nothing-here")
    heading = visitor.page.get_by_role("heading")
    expect(heading).to_have_text("There is no such page")
    for address in (f"/orders/{uuid.uuid4()}", "/trade/NOSUCH"):
        visitor.go(address)
        expect(heading).to_have_text("There is no such page")
    visitor.complaints.clear()  # the browser tells of each 404
