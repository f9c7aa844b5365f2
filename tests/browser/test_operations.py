"""The pages of operations in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Visitor
from tests.live_server import LiveServer
from trading.first_data import OPERATIONS_EMAIL


@pytest.fixture
def operator(program: LiveServer, visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """A maker of members of operations who have just signed in."""

    def make(**options: object) -> Visitor:
        link = program.console("sign_in_link", OPERATIONS_EMAIL).strip().splitlines()[-1]
        visitor = visit(**options)
        visitor.page.goto(link)
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.wait_for_url(f"{visitor.base_url}/admin/")
        return visitor

    return make


def test_the_firm_page_renews_itself_and_keeps_ones_place(operator: Callable[..., Visitor]) -> None:
    visitor = operator(viewport=NARROW)
    page = visitor.page
    visitor.go("/admin/firm/")
    before = visitor.text("#firm .ops-note")
    table = page.locator("#firm .ops-wide").first
    table.evaluate("wide => (wide.scrollLeft = 40)")
    visitor.wait_for_change("#firm .ops-note", before)
    assert table.evaluate("wide => wide.scrollLeft") == 40
    expect(page.locator("#firm-lost")).to_be_hidden()


def test_figures_that_are_not_renewed_any_more_say_so(operator: Callable[..., Visitor]) -> None:
    visitor = operator()
    visitor.go("/admin/firm/")
    visitor.page.route("**/admin/firm/now/", lambda route: route.abort())
    expect(visitor.page.locator("#firm-lost")).to_be_visible()
    visitor.page.unroute("**/admin/firm/now/")
    expect(visitor.page.locator("#firm-lost")).to_be_hidden()
    visitor.complaints.clear()  # of the requests that were cut off


def test_the_first_page_leads_to_what_waits(operator: Callable[..., Visitor]) -> None:
    visitor = operator()
    cards = visitor.page.get_by_role("navigation", name="What waits")
    for name, heading in (("Approvals", "Waiting for a second person"), ("Firm risk", "Firm risk")):
        visitor.go("/admin/")
        cards.get_by_role("link", name=name).click()
        expect(visitor.page).to_have_title(f"{heading} | Openfloor operations")
