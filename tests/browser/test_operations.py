"""The pages of operations in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Visitor, sign_in
from tests.live_server import LiveServer
from trading.first_data import OPERATIONS_EMAIL


def link_for_operations(program: LiveServer) -> str:
    return program.console("sign_in_link", OPERATIONS_EMAIL).strip().splitlines()[-1]


def test_a_link_signs_in_and_the_first_page_leads_to_what_waits(
    program: LiveServer, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(link_for_operations(program))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{visitor.base_url}/admin/")
    cards = page.get_by_role("navigation", name="What waits")
    cards.get_by_role("link", name="Approvals").click()
    expect(page).to_have_title("Waiting for a second person | Openfloor operations")
    page.wait_for_load_state()
    visitor.go("/admin/")
    stake = page.get_by_role("region", name="What customers have at stake")
    stake.get_by_role("link", name="Firm risk").click()
    expect(page).to_have_title("Firm risk | Openfloor operations")
    page.wait_for_load_state()


def test_the_firm_page_renews_itself_keeps_ones_place_and_says_when_it_cannot(
    program: LiveServer, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(viewport=NARROW)
    page = visitor.page
    sign_in(visitor, link_for_operations(program))
    visitor.go("/admin/firm/")
    before = visitor.text("#firm .ops-note")
    table = page.locator("#firm .ops-wide").first
    table.evaluate("wide => (wide.scrollLeft = 40)")
    visitor.wait_for_change("#firm .ops-note", before)
    assert table.evaluate("wide => wide.scrollLeft") == 40
    expect(page.locator("#firm-lost")).to_be_hidden()

    page.route("**/admin/firm/now/", lambda route: route.abort())
    expect(page.locator("#firm-lost")).to_be_visible()
    page.unroute("**/admin/firm/now/")
    expect(page.locator("#firm-lost")).to_be_hidden()
    visitor.complaints.clear()  # of the requests that were cut off


def test_a_page_of_operations_says_where_it_begins_and_what_its_lists_are(
    program: LiveServer, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    sign_in(visitor, link_for_operations(program))
    visitor.go("/admin/risk/limits/add/")
    main = visitor.page.get_by_role("main")
    expect(main).to_have_count(1)
    expect(main.get_by_role("combobox", name="Instrument")).to_be_visible()
