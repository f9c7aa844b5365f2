"""What a trader asks of an order beyond buying at market, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal

from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.browser.conftest import Visitor
from tests.browser.trade_page import amount, wait_until_live

Customer = Callable[..., Visitor]
MIDDLING = {"width": 768, "height": 1024}
# At which height of the chart a line can be taken hold of, null while there is none.
LINE_UNDER = """selector => {
  const chart = document.querySelector(selector);
  const { top, height } = chart.getBoundingClientRect();
  for (let y = 0; y < height; y += 1) {
    const at = { clientY: top + y, pointerType: "mouse" };
    chart.dispatchEvent(new PointerEvent("pointermove", at));
    if (chart.classList.contains("is-over-line")) return y + 4;
  }
  return null;
}"""


def kind(page: Page, word: str) -> None:
    page.locator("#ticket-form").get_by_label(word, exact=True).check()


def fill(page: Page, side: str, quantity: str) -> None:
    """Begin a ticket by its key, `b` or `s`, and say how many."""
    page.locator("#main").focus()
    page.keyboard.press(side)
    page.keyboard.type(quantity)


def send(page: Page) -> None:
    """Review the ticket and place it, by keyboard from the quantity."""
    page.locator("#quantity").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-placed")).to_be_visible()


def buy(visitor: Visitor, quantity: str) -> None:
    fill(visitor.page, "b", quantity)
    send(visitor.page)
    visitor.wait_for_text("#placed-state", "Filled")
    visitor.page.keyboard.press("Escape")


def ask_of(visitor: Visitor) -> Decimal:
    return amount(visitor.text("[data-quote=ask]"))


def open_rows(page: Page) -> Locator:
    page.get_by_role("tab", name=re.compile("Open orders")).click()
    return page.locator("[data-rows=open] tr")


def test_a_bracket_buys_then_leaves_its_two_exits(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    ask = ask_of(visitor)
    fill(page, "b", "10")
    page.get_by_label("Take profit", exact=True).check()
    page.get_by_label("Stop loss", exact=True).check()
    page.get_by_label("Take profit at, USD").fill(f"{ask + 40:.2f}")
    page.get_by_label("Stop loss at, USD").fill(f"{ask + 20:.2f}")
    page.locator("#quantity").press("Enter")
    expect(page.locator("#stop_loss-error")).to_contain_text("must lie below what you would pay")
    expect(page.locator("#stop_loss")).to_be_focused()
    page.get_by_label("Stop loss at, USD").fill(f"{ask - 40:.2f}")
    send(page)
    visitor.wait_for_text("#placed-state", "Filled: 10 at")
    expect(page.locator("#placed-legs li")).to_have_count(2)

    rows = open_rows(page)
    expect(rows).to_have_count(2)
    profit = rows.filter(has_text=f"Take profit: Limit {ask + 40:.2f}")
    loss = rows.filter(has_text=f"Stop loss: Stop {ask - 40:.2f}")
    expect(profit).to_contain_text("Working")
    expect(loss).to_contain_text("Held")

    loss.locator("a").first.click()
    page.wait_for_url(re.compile("/orders/[0-9a-f-]{36}$"))
    expect(page.locator("#group-rows tr")).to_have_count(3)
    expect(page.locator("#group-rows tr").first).to_contain_text("Entry")
    page.get_by_role("link", name="Take profit").click()
    expect(page.locator("#order-facts")).to_contain_text(f"Limit {ask + 40:.2f}")


def test_a_position_is_protected_and_one_cancel_ends_both_exits(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    buy(visitor, "6")
    ask = ask_of(visitor)
    page.get_by_role("button", name="Protect the position in AAPL").click()
    expect(page.locator("#quantity")).to_have_value("6")
    expect(page.locator("#take_profit")).to_be_focused()
    page.keyboard.type(f"{ask + 40:.2f}")
    page.get_by_label("Stop loss at, USD").fill(f"{ask - 40:.2f}")
    send(page)
    rows = open_rows(page)
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_have_class(re.compile("leg"))
    rows.first.get_by_role("button", name=re.compile("Cancel")).click()
    expect(rows).to_have_count(0)


def test_an_order_is_changed_in_place_and_linked_both_ways(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    low = ask_of(visitor) / 2
    fill(page, "b", "5")
    kind(page, "Limit")
    page.get_by_label("Limit price, USD").fill(f"{low:.2f}")
    page.locator("summary").click()
    page.get_by_label("Shown quantity").fill("2")
    send(page)
    visitor.wait_for_text("#placed-state", "Working")

    rows = open_rows(page)
    expect(rows).to_contain_text([f"Limit {low:.2f}, shows 2"])
    change = rows.get_by_role("button", name=re.compile("Change"))
    change.focus()
    page.keyboard.press("Enter")
    form = page.get_by_role("form", name="Change this order")
    expect(form.get_by_label("Quantity")).to_be_focused()
    page.keyboard.press("Enter")
    expect(form).to_contain_text("Nothing is different yet.")
    page.keyboard.press("Escape")
    expect(change).to_be_focused()
    page.keyboard.press("Enter")
    form.get_by_label("Quantity").fill("4")
    form.get_by_label("Limit").fill(f"{low + 1:.2f}")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text([f"Limit {low + 1:.2f}"])
    expect(rows).to_contain_text(["Working"])

    rows.locator("a").first.click()
    page.wait_for_url(re.compile("/orders/[0-9a-f-]{36}$"))
    page.locator("#order-facts").get_by_role("link", name="the order before it").click()
    expect(page.locator("#order-state")).to_have_text("Replaced")
    expect(page.locator("#order-facts").get_by_role("link")).to_have_text("the order after it")

    page.locator("#order-timeline").get_by_role("button").first.click()
    expect(page.locator("#as-of-notice")).to_contain_text("You see the order as it stood at")
    expect(page.locator("#order-state")).to_have_text("Sent")
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#order-state")).to_have_text("Replaced")


def test_the_line_of_an_order_is_dragged_to_another_price_and_sent_by_hand(
    customer: Customer,
) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    page.get_by_role("button", name="1D", exact=True).click()  # on which a far limit is in sight
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile("bars of 1 day"))
    low = ask_of(visitor) * Decimal("0.9")
    fill(page, "b", "5")
    kind(page, "Limit")
    page.get_by_label("Limit price, USD").fill(f"{low:.2f}")
    send(page)
    visitor.wait_for_text("#placed-state", "Working")
    place = page.locator("#chart").bounding_box()
    assert place is not None
    height = page.wait_for_function(LINE_UNDER, arg="#chart").json_value()
    x, y = place["x"] + 100, place["y"] + height
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 30, steps=3)
    page.mouse.up()
    form = page.get_by_role("form", name="Change this order")
    wanted = form.get_by_label("Limit").input_value()
    assert Decimal(wanted) > low
    rows = page.locator("[data-rows=open] tr")
    expect(rows.first).to_contain_text(f"Limit {low:.2f}")  # nothing has left yet
    expect(form.get_by_role("button", name="Change order")).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows).to_contain_text([f"Limit {wanted}"])


def test_of_two_equal_fills_the_one_that_is_taken_back_is_struck_out(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    fill(page, "b", "1")
    kind(page, "Limit")
    page.get_by_label("Limit price, USD").fill(f"{ask_of(visitor) / 2:.2f}")
    send(page)
    visitor.wait_for_text("#placed-state", "Working")
    order_id = page.locator("#placed-link").get_attribute("href").rpartition("/")[2]

    def happened(sequence: int, kind: str, trade_id: str, **more: str) -> dict[str, object]:
        trade = {"trade_id": trade_id, "price": "99.5", "fill_quantity": "1", **more}
        payload = {"order_id": order_id, "symbol": "AAPL", "side": "buy", **trade}
        at = f"2026-01-05T14:30:0{sequence % 10}.000000Z"
        return {"sequence": sequence, "kind": f"order.{kind}", "at": at, "payload": payload}

    def tell(socket: WebSocketRoute) -> None:
        def answer(message: str | bytes) -> None:
            asked = json.loads(message)
            if asked["action"] == "resume":
                since = asked["since"]
                events = [
                    happened(since + 1, "partially_filled", "first"),
                    happened(since + 2, "partially_filled", "second"),
                    happened(since + 3, "busted", "bust", busts="first"),
                ]
                socket.send(json.dumps({"type": "activity", "events": events}))

        socket.on_message(answer)
        socket.send(json.dumps({"type": "hello", "sequence": 0}))

    page.route_web_socket(re.compile("/ws"), tell)
    visitor.go(f"/orders/{order_id}")
    expect(page.locator("#fill-rows tr")).to_have_count(3)
    struck = page.locator("#fill-rows tr.busted")
    expect(struck).to_have_count(1)
    expect(struck).to_have_attribute("data-key", "first")


def test_a_trailing_stop_is_held_and_says_where_it_has_followed_to(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    buy(visitor, "3")
    fill(page, "s", "3")
    kind(page, "Trailing")
    page.get_by_label("Percent", exact=True).check()
    page.get_by_label("Trail", exact=True).fill("5")
    expect(page.locator("#trail-note")).to_have_text(re.compile(r"Stop \d+\.\d\d now"))
    send(page)
    visitor.wait_for_text("#placed-state", "Held")
    row = open_rows(page)
    expect(row).to_contain_text([re.compile(r"Trail 5 %, stop \d+\.\d\d")])
    expect(row).to_contain_text(["Held"])


def test_a_value_in_dollars_is_bought_where_parts_are_traded(customer: Customer) -> None:
    visitor = customer(at="/trade/AAPL")
    page = visitor.page
    wait_until_live(visitor)
    expect(page.get_by_label("USD", exact=True).first).to_be_hidden()  # whole shares only
    visitor.go("/trade/BTC/USD")
    wait_until_live(visitor)
    page.locator("#ticket-form").get_by_label("USD", exact=True).first.check()
    page.locator("#quantity").fill("250")
    expect(page.locator("#quantity-note")).to_have_text(re.compile(r"About 0\.00\d+ BTC"))
    expect(page.locator("[data-ticket=held]")).to_have_text("250.63")  # with 25 basis points
    send(page)
    expect(page.locator("#placed-title")).to_have_text("Buy 250.00 USD BTC/USD")
    visitor.wait_for_text("#placed-state", r"Filled: 0\.00\d+ at")


def test_cancelling_all_says_its_effect_and_wants_a_second_act(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    low = ask_of(visitor) / 2
    for quantity in ("1", "2"):
        fill(page, "b", quantity)
        kind(page, "Limit")
        page.get_by_label("Limit price, USD").fill(f"{low:.2f}")
        send(page)
        visitor.wait_for_text("#placed-state", "Working")
        page.keyboard.press("Escape")
    rows = open_rows(page)
    expect(rows).to_have_count(2)

    def show_one(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json()[:1])

    # All are counted that would be cancelled, also those that are not on the list.
    page.route("**/api/v1/orders?status=open*", show_one)
    page.reload()
    expect(open_rows(page)).to_have_count(1)
    page.get_by_role("button", name="Cancel all").click()
    dialog = page.get_by_role("dialog", name="Cancel all open orders")
    expect(dialog).to_contain_text("2 (2 to buy, 0 to sell)")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Nothing was cancelled yet")
    expect(rows).to_have_count(1)
    page.unroute_all(behavior="wait")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(rows).to_have_count(0)


def test_what_the_server_objects_to_stands_beside_its_field(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    mistake = {"field": "stop_price", "message": "This stop is passed.", "code": "x"}
    page.route(
        "**/api/v1/orders",
        lambda route: (
            route.fulfill(status=422, json={"code": 1, "message": "No.", "errors": [mistake]})
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    fill(page, "b", "1")
    kind(page, "Stop")
    page.get_by_label("Stop price, USD").fill(f"{ask_of(visitor) + 20:.2f}")
    page.locator("#quantity").press("Enter")
    expect(page.locator("#place")).to_be_focused()  # once the server has said what it would do
    page.locator("#place").press("Enter")
    expect(page.locator("#stop_price-error")).to_contain_text("This stop is passed.")
    expect(page.locator("#stop_price-error")).to_contain_text("No order was placed")
    expect(page.locator("#stop_price")).to_be_focused()
    visitor.complaints = [each for each in visitor.complaints if "422" not in each]


def test_between_phone_and_desk_the_watchlist_is_a_drawer(customer: Customer) -> None:
    visitor = customer(viewport=MIDDLING)
    page = visitor.page
    wait_until_live(visitor)
    rail = page.locator("#rail")
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="Watchlist", exact=True).click()
    expect(rail).to_be_visible()
    page.locator(".watch li[data-key=MSFT] a").click()
    expect(rail).to_be_hidden()
    expect(page.locator("[data-instrument=symbol]")).to_have_text("MSFT")
    page.locator("#main").focus()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= MIDDLING["width"]


def test_the_review_says_where_an_order_trades_and_what_its_one_exit_waits_for(
    customer: Customer,
) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    note = page.locator("#review-note")
    fill(page, "b", "2")
    page.get_by_label("Stop loss", exact=True).check()
    page.get_by_label("Stop loss at, USD").fill(f"{ask_of(visitor) - 40:.2f}")
    page.locator("#quantity").press("Enter")
    expect(note).to_contain_text("each. The stop-loss waits with us until something is bought.")
    page.get_by_role("button", name="Change it").click()
    page.get_by_label("Stop loss", exact=True).uncheck()
    page.get_by_label("In force").select_option("cls")
    page.locator("#quantity").press("Enter")
    expect(note).to_contain_text("Fills only in the closing auction, at its one price, at most")
    page.locator("#place").click()
    visitor.wait_for_text("#placed-note", "In the market, waiting for the closing auction")
