"""Runbooks in the admin, where alerts link to."""

from __future__ import annotations

import pytest

from tests import people
from trading.operations.runbooks import Section, place_of, runbooks, sections

pytestmark = pytest.mark.django_db


def test_a_text_is_cut_at_its_headings_and_each_has_the_place_that_links_name():
    text = (
        "# Stop\n\nFirst.\n\n## `clock_drift`\n\nSet it right.\n\n## See that it holds\n1. Look\n"
    )
    assert sections(text) == [
        Section("Stop", "stop", "First."),
        Section("clock_drift", "clock_drift", "Set it right."),
        Section("See that it holds", "see-that-it-holds", "1. Look"),
    ]
    assert place_of("A feed: stale?") == "a-feed-stale"


def test_staff_reads_it_at_the_place_of_the_alert():
    operator = people.person(is_staff=True)
    operator.is_superuser = True
    operator.save()
    browser = people.browser_of(operator)
    page = browser.get("/admin/runbooks/kill-switch/")
    assert page.status_code == 200
    assert b'<h2 id="clock_drift">' in page.content
    for name in ("none-such", "README2"):
        assert name not in runbooks()
        assert browser.get(f"/admin/runbooks/{name}/").status_code == 404


def test_customers_do_not():
    user, _ = people.customer()
    assert people.browser_of(user).get("/admin/runbooks/kill-switch/").status_code in (
        302,
        403,
        404,
    )
