"""What a customer does on the trade page, in a real browser, with the market running."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import WebSocket, expect

from tests.browser.conftest import NARROW, Visitor
from tests.browser.trade_page import amount, place, wait_until_live

Customer = Callable[..., Visitor]


def test_a_market_order_fills_and_moves_the_account_without_a_reload(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    page.evaluate("window.isTheSamePage = true")
    value, power = "[data-strip=equity]", "[data-strip=buying-power]"
    power_before = amount(visitor.text(power))

    place(page, quantity="10")
    visitor.wait_for_text("#placed-state", r"Filled: 10 at \d")
    steps = page.locator("#placed-timeline li")
    visitor.wait_for_text("#placed-timeline li", "Filled")
    expect(steps.first).to_contain_text("Sent")
    expect(steps.first).to_contain_text("You")
    expect(steps.last).to_contain_text("Exchange")

    row = page.locator("[data-rows=positions] tr[data-key=AAPL]")
    expect(row.locator("td").nth(1)).to_have_text("10")
    assert amount(visitor.wait_for_change(power, f"{power_before:,.2f}")) < power_before

    shown = visitor.text(value)
    visitor.wait_for_change(value, shown)  # the market moves it
    price = row.locator("td").nth(3)
    expect(price).to_have_text(re.compile(r"^\d+\.\d\d$"))
    assert page.evaluate("window.isTheSamePage")

    page.keyboard.press("Escape")
    expect(page.locator("#quantity")).to_be_focused()


def test_a_limit_order_waits_is_cancelled_and_keeps_its_history(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    far = amount(visitor.text("[data-quote=bid]")) / 2
    place(page, quantity="5", limit=f"{far:.2f}")
    visitor.wait_for_text("#placed-state", "Working")

    page.get_by_role("tab", name=re.compile("Open orders")).click()
    row = page.locator("[data-rows=open] tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Limit")
    row.get_by_role("button", name=re.compile("Cancel")).click()
    expect(row).to_have_count(0)
    visitor.wait_for_text("#placed-state", "Cancelled")

    page.get_by_role("tab", name="Order history").click()
    expect(page.locator("[data-rows=history] tr").first).to_contain_text("Cancelled")
    page.get_by_role("tab", name="Activity").click()
    expect(page.locator("[data-rows=activity] tr").first).to_contain_text("Buy 5 AAPL cancelled")

    page.get_by_role("link", name="Details of this order").click()
    page.wait_for_url(re.compile("/orders/[0-9a-f-]{36}$"))
    words = page.locator("#order-timeline strong").all_inner_texts()
    assert words == ["Sent", "Working", "Cancelling", "Cancelled"]
    expect(page.locator("#fills-empty")).to_be_visible()

    visitor.go("/orders")
    expect(page.locator("#orders-rows tr")).to_have_count(1)
    page.get_by_label("State").select_option("open")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("No order is like that.")).to_be_visible()


def test_too_dear_an_order_is_told_beside_its_quantity_and_never_leaves(customer: Customer) -> None:
    visitor = customer(deposit="1000")
    page = visitor.page
    wait_until_live(visitor)
    page.keyboard.press("b")
    expect(page.locator("#quantity")).to_be_focused()
    page.keyboard.type("100")
    error = page.locator("#quantity-error")
    expect(error).to_contain_text(
        re.compile(r"Not enough buying power: .* USD, you have 1,000\.00")
    )
    page.keyboard.press("Enter")
    expect(page.locator("#quantity")).to_be_focused()
    expect(page.locator("#ticket-review")).to_be_hidden()
    lower = re.search(r"Lower the quantity to (\d+)", error.inner_text())
    assert lower is not None
    page.locator("#quantity").fill(lower[1])
    expect(error).to_have_text("")


def test_a_lost_answer_and_a_double_click_still_make_one_order(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    ids: list[str] = []
    lost = iter([True, False])

    def lose_the_first(route: object) -> None:
        ids.append(route.request.post_data_json["client_order_id"])  # type: ignore[attr-defined]
        answer = route.fetch()  # type: ignore[attr-defined]  # the server has it
        if next(lost, False):
            route.abort("connectionreset")  # type: ignore[attr-defined]
        else:
            route.fulfill(response=answer)  # type: ignore[attr-defined]

    page.route(
        "**/api/v1/orders",
        lambda r: lose_the_first(r) if r.request.method == "POST" else r.continue_(),
    )
    page.keyboard.press("b")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.locator("#place").dblclick()
    visitor.wait_for_text("#placed-state", "Filled")
    assert len(ids) == 2
    assert len(set(ids)) == 1
    expect(page.locator("[data-rows=positions] tr[data-key=AAPL] td").nth(1)).to_have_text("3")
    page.unroute_all(behavior="ignoreErrors")
    visitor.complaints = [each for each in visitor.complaints if "ERR_CONNECTION_RESET" not in each]
    visitor.go("/orders")
    expect(page.locator("#orders-rows tr")).to_have_count(1)


def test_a_lost_connection_is_said_and_heals(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    visitor.wait_for_text("[data-strip=connection]", "Offline")
    expect(page.locator(".instrument")).to_have_class(re.compile("is-stale"))
    visitor.wait_for_text("[data-quote=note]", "old")
    page.get_by_role("button", name="1h", exact=True).click()
    visitor.wait_for_text("#chart-notice", "The chart could not be loaded.")
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    visitor.wait_for_text("[data-strip=connection]", "Live")
    expect(page.locator(".instrument")).not_to_have_class(re.compile("is-stale"))
    expect(page.locator("#chart-notice")).to_be_hidden()
    visitor.complaints = [each for each in visitor.complaints if "ERR_INTERNET" not in each]


def test_symbols_are_chosen_by_keyboard_and_the_chart_shows_bars_of_every_span(
    customer: Customer,
) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("ibm")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/trade/IBM$"))
    expect(page.locator("[data-instrument=symbol]")).to_have_text("IBM")
    page.keyboard.press("Control+k")
    page.keyboard.type("msft")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/trade/MSFT$"))
    page.go_back()
    expect(page.locator("[data-instrument=symbol]")).to_have_text("IBM")
    page.keyboard.press("?")
    keys = page.get_by_role("heading", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()

    chart = page.locator("#chart")
    for span in ("5m", "15m", "30m", "1h", "1D", "1W", "1m"):
        page.get_by_role("button", name=span, exact=True).click()
        words = page.get_by_role("button", name=span, exact=True).get_attribute("title")
        expect(chart).to_have_attribute("aria-label", re.compile(str(words).lower()))
        expect(page.locator("#chart-notice")).to_be_hidden()

    page.get_by_role("button", name="MA 20").click()
    page.reload()
    average = page.get_by_role("button", name="MA 20")
    expect(average).to_have_attribute("aria-pressed", "true")  # as it was chosen
    expect(average).to_have_text(re.compile(r"^MA 20 \d+\.\d\d$"))


def test_the_watchlist_is_put_in_another_order_and_stays_so(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    rows = page.locator(".watch li")
    first, second, third = (str(rows.nth(n).get_attribute("data-key")) for n in range(3))

    def order() -> list[str]:
        found: list[str] = rows.evaluate_all("rows => rows.slice(0, 3).map(r => r.dataset.key)")
        return found

    rows.nth(1).locator("a").focus()
    with page.expect_response("**/api/v1/watchlists**"):
        page.keyboard.press("Alt+ArrowUp")
    assert order() == [second, first, third]
    expect(rows.nth(0).locator("a")).to_be_focused()
    with page.expect_response("**/api/v1/watchlists**"):
        rows.nth(2).drag_to(rows.nth(0), target_position={"x": 20, "y": 4})
    assert order() == [third, second, first]
    page.reload()
    expect(rows.first).to_have_attribute("data-key", third)
    assert order() == [third, second, first]

    visitor.go(f"/trade/{third}")
    page.locator("#main").focus()
    page.keyboard.press("]")
    page.wait_for_url(re.compile(f"/trade/{second}$"))


def test_there_can_be_several_watchlists(customer: Customer) -> None:
    visitor = customer()
    page = visitor.page
    wait_until_live(visitor)
    chooser, rows = page.locator("#watchlists"), page.locator(".watch li")
    expect(chooser).to_have_value("Watchlist")
    traded = rows.count()
    page.locator("#watchlists-edit").click()
    dialog = page.locator("#watchlists-dialog")
    dialog.get_by_label("Name of a new watchlist").fill("Tech")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_be_hidden()
    expect(chooser).to_have_value("Tech")
    expect(page.locator("#watch-empty")).to_be_visible()
    page.locator("#search").fill("MSFT")
    with page.expect_response("**/api/v1/watchlists/**"):
        page.get_by_role("button", name="Watch MSFT").click()
    page.keyboard.press("Escape")
    expect(rows).to_have_count(1)

    page.reload()
    expect(chooser).to_have_value("Tech")  # the one that was looked at
    expect(rows).to_have_count(1)
    chooser.select_option("Watchlist")
    expect(rows).to_have_count(traded)

    page.locator("#watchlists-edit").click()
    name = dialog.get_by_label("Name of the watchlist Tech")
    name.fill("Watchlist")
    name.press("Enter")
    expect(dialog.locator(".field__error").nth(1)).to_contain_text("It is called Tech still.")
    visitor.complaints = [each for each in visitor.complaints if "422" not in each]
    name.fill("Giants")
    name.press("Enter")
    expect(chooser.locator("option")).to_have_text(["Watchlist", "Giants"])
    dialog.get_by_role("button", name="Delete").nth(1).click()
    with page.expect_response("**/api/v1/watchlists/**"):
        dialog.get_by_role("button", name="Delete with 1 symbol").click()
    expect(chooser.locator("option")).to_have_text(["Watchlist"])
    dialog.get_by_role("button", name="Done").click()
    expect(rows).to_have_count(traded)


def test_on_a_phone_the_views_are_one_at_a_time_and_an_order_goes_by_sheet(
    customer: Customer,
) -> None:
    visitor = customer(viewport=NARROW, has_touch=True)
    page = visitor.page
    visitor.wait_for_text("[data-strip=connection]", "Live")
    expect(page.locator("#chart")).to_be_visible()
    expect(page.locator("#ticket")).to_be_hidden()
    page.get_by_role("link", name="Watch", exact=True).click()
    page.locator(".watch li[data-key=MSFT] a").click()
    expect(page.locator("#chart")).to_be_visible()
    page.get_by_role("link", name="Trade", exact=True).click()
    page.locator("#quantity").fill("2")
    page.get_by_role("button", name="Review buy order").click()
    page.get_by_role("button", name="Place buy order").click()
    visitor.wait_for_text("#placed-state", "Filled")
    page.get_by_role("link", name="Portfolio", exact=True).click()
    expect(page.locator("[data-rows=positions] tr[data-key=MSFT]")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW["width"], "nothing sticks out of the page"


def test_prices_and_the_book_come_in_few_bytes_and_where_that_fails_as_json(
    customer: Customer,
) -> None:
    visitor = customer(at="/account")
    page = visitor.page
    heard: dict[str, list[str | bytes]] = {"binary": [], "json": []}

    def listen(socket: WebSocket) -> None:
        kept = heard["binary" if socket.url.endswith("/binary") else "json"]
        socket.on("framereceived", lambda frame: kept.append(frame))  # noqa: PLW0108 - it is marked

    def quotes_as_json() -> bool:
        return any('"type":"quotes"' in str(each) for each in heard["json"])

    page.on("websocket", listen)
    visitor.go("/trade/IBM")
    wait_until_live(visitor)
    levels = page.locator("#ladder .level:enabled")
    expect(levels).to_have_count(10)
    visitor.wait_for_change("#ladder", visitor.text("#ladder"))
    page.get_by_role("button", name="Trades", exact=True).click()
    expect(page.locator("#ladder")).to_be_hidden()
    first = page.locator("#tape tbody tr").first
    expect(first).to_have_text(re.compile(r"^\d\d:\d\d:\d\d.*\d+\.\d\d\d+$"))
    visitor.wait_for_change("#tape tbody", visitor.text("#tape tbody"))
    page.get_by_role("button", name="Book", exact=True).click()
    page.locator("#ladder .level--asks").first.click()
    expect(page.get_by_label("Limit price, USD")).to_have_value(re.compile(r"^\d+\.\d\d$"))
    assert heard["binary"]
    assert all(isinstance(frame, bytes) for frame in heard["binary"])
    assert not quotes_as_json()

    page.route_web_socket(re.compile("/ws/v1/binary$"), lambda socket: socket.close())
    visitor.go("/trade/MSFT")
    wait_until_live(visitor)
    expect(levels).to_have_count(10)
    visitor.wait_for_change("#ladder", visitor.text("#ladder"))
    assert quotes_as_json()
