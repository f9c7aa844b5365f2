"""The pages for whoever sees, hears or moves otherwise, and on the narrowest of screens."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.trade_page import place, wait_until_live

Customer = Callable[..., Visitor]
NARROWEST = {"width": 320, "height": 640}  # what 1,280 pixels are at 400 %


def test_a_chart_keeps_its_colours_where_colours_are_forced(customer: Customer) -> None:
    """A canvas is painted in what was read from the page: forced, all of that was one colour."""
    visitor = customer(forced_colors="active")
    read = """import("/static/js/palette.js").then((palette) =>
        Object.values(palette.read(["bg-1", "text-2", "up", "down"], document.body)))"""
    assert len(set(visitor.page.evaluate(read))) == 4


def test_nothing_flashes_for_whom_nothing_shall_move(customer: Customer) -> None:
    flash = """import("/static/js/dom.js").then((dom) => {
        const cell = document.querySelector("h1");
        dom.flash(cell, "up");
        return cell.getAnimations().length;
    })"""
    visitor = customer(at="/activity")
    assert visitor.page.evaluate(flash) == 1
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.page.reload()
    assert visitor.page.evaluate(flash) == 0
    visitor.page.emulate_media(reduced_motion="no-preference")


def test_the_fields_of_a_filter_stand_beside_or_under_each_other(customer: Customer) -> None:
    visitor = customer(viewport=NARROWEST, at="/account/statements")
    boxes = visitor.page.locator(".filter :is(input, select, button)").evaluate_all(
        """all => all.map((each) => each.getBoundingClientRect())
            .map((box) => [box.left, box.top, box.right, box.bottom])"""
    )
    assert len(boxes) == 4
    assert all(right <= NARROWEST["width"] - 16 for _, _, right, _ in boxes)
    for n, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[n + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_a_state_of_an_order_is_said_once(customer: Customer) -> None:
    visitor = customer()
    wait_until_live(visitor)
    place(visitor.page, quantity="1")
    visitor.wait_for_text("#announcer", "Filled")
    heard = visitor.page.locator(":is([role=status], [role=alert], [aria-live])").filter(
        has_text=re.compile("Filled")
    )
    expect(heard).to_have_count(1)


def test_rows_that_come_push_nothing_away(customer: Customer) -> None:
    """The page without its script is as high as with it."""
    visitor = customer(at="/activity")
    page, frame = visitor.page, visitor.page.locator("#activity-frame")
    expect(page.locator("#activity-rows tr")).not_to_have_count(0)
    height = "frame => frame.getBoundingClientRect().height"
    with_rows = frame.evaluate(height)
    page.route("**/js/pages/activity*.js", lambda route: route.abort())
    page.reload()
    assert abs(frame.evaluate(height) - with_rows) <= 2  # the lines between them
    visitor.complaints.clear()  # of the script that was cut off


def test_whoever_is_signed_out_elsewhere_is_told_to_sign_in_and_comes_back(
    customer: Customer,
) -> None:
    visitor = customer(at="/orders?status=open")
    page = visitor.page
    visitor.wait_for_text("[data-strip=connection]", "Live")
    [token] = [each["value"] for each in page.context.cookies() if each["name"] == "csrf"]
    page.context.request.post(
        f"{visitor.base_url}/sign-out", headers={"X-CSRFToken": token}, max_redirects=0
    )
    page.wait_for_url(f"{visitor.base_url}/sign-in?next=%2Forders%3Fstatus%3Dopen*")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
