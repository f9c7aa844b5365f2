"""Runbooks in the admin, where alerts link to: what is shipped is what is read."""

from __future__ import annotations

import re

import pytest

from risk.surveillance.runbooks import PLACES, path
from tests import people
from tests.staff import member
from trading.operations.markdown import Text, place_of, text_of
from trading.operations.runbooks import documents, read, runbooks
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db


LINK = 'class="text-link"'
ALERTS = f'<a href="/alerts/" {LINK}>Alerts</a>'


def shown(source: str) -> Text:
    pages = {"a.md#b": "/a/#b", "https://example.com/": "https://example.com/"}
    return text_of(source, linked=pages.get, named={"Alerts": "/alerts/"}.get)


def html(source: str) -> str:
    return str(shown(source).html).strip()


def test_the_first_heading_is_the_title_and_each_has_the_place_that_links_name():
    text = shown(
        "# Stop\n\nFirst.\n\n## `clock_drift`\n\nSet it.\n\n## See: is *it* over?\n1. Look\n"
    )
    assert (text.title, text.places) == ("Stop", ("stop", "clock_drift", "see-is-it-over"))
    assert "<h1" not in text.html
    assert '<h2 id="clock_drift"><code>clock_drift</code></h2>' in text.html
    assert "<ol>\n<li>Look</li>\n</ol>" in text.html
    assert place_of("A feed: stale?") == "a-feed-stale"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("[b](a.md#b)", f'<p><a href="/a/#b" {LINK}>b</a></p>'),
        ("[b](#c)", f'<p><a href="#c" {LINK}>b</a></p>'),
        ("[no *such*](b.md)", "<p>no <em>such</em></p>"),
        (
            "[w](https://example.com/)",
            '<p><a href="https://example.com/" class="text-link" rel="noreferrer">w</a></p>',
        ),
        ("**Alerts**", f"<p><strong>{ALERTS}</strong></p>"),
        ("**this**", "<p><strong>this</strong></p>"),
        ("[**Alerts**](#c)", f'<p><a href="#c" {LINK}><strong>Alerts</strong></a></p>'),
    ],
)
def test_links_lead_to_what_is_there_and_to_nothing_else(source, wanted):
    assert html(source) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](  JavaScript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.com/pixel.png)",
        "<https://example.com/\"onmouseover=alert(1)>",
        "`<b>`",
        "```sh\" onclick=alert(1)\n<b>\n```",
        "| a | b |\n|--:|---|\n| 1 | <i>2</i> |",
    ],
)  # fmt: skip
def test_nothing_in_a_text_is_taken_for_the_page(source):
    told = re.sub(r"</?(p|code|pre|table|thead|tbody|tr|th|td|div)\b[^<>]*>", "", html(source))
    assert "<" not in told
    for tag in re.findall(r"<[^>]*>", html(source)):
        assert not re.search(r"\s(on\w+|style|src)=", re.sub(r'"[^"]*"', '""', tag)), tag


def test_cells_of_numbers_have_a_class_and_no_style():
    told = html("| a | b |\n|--:|---|\n| 1 | 2 |")
    assert '<td class="n">1</td>' in told
    assert "style" not in told


def reader():
    return people.browser_of(member(StaffRole.RISK))


def test_every_runbook_is_read_at_its_places_and_what_it_links_to_opens():
    browser = reader()
    every = [read(file) for file in runbooks().values()]
    links = {link for text in every for link in re.findall(r'href="(/[^"]*)"', text.html)}
    pages = {link.partition("#")[0] for link in links}
    assert {"/admin/runbooks/kill-switch/", "/admin/docs/recovery/", "/admin/risk/alert/",
            "/admin/approvals/", "/admin/risk/limits/add/"} <= pages  # fmt: skip
    for page in sorted(pages):
        answer = browser.get(page)
        # The rest is for other roles: who reads of it has it pointed out, and no more.
        assert answer.status_code in {200, 403}, page
    for link in sorted(links):
        page, _, anchor = link.partition("#")
        if anchor:
            assert f'id="{anchor}"' in browser.get(page).content.decode(), link


def test_the_way_from_each_kind_of_alert_ends_at_its_place():
    browser = reader()
    told = {page: "" for page, _, _ in (path(kind).partition("#") for kind in PLACES)}
    for page in told:
        answer = browser.get(page)
        assert answer.status_code == 200
        told[page] = answer.content.decode()
    for kind in PLACES:
        page, _, anchor = path(kind).partition("#")
        assert f'id="{anchor}"' in told[page], kind


def test_the_index_is_the_first_page_and_names_that_nobody_wrote_are_not_found():
    browser = reader()
    assert b'href="/admin/runbooks/alerts/"' in browser.get("/admin/runbooks/").content
    for name in ("none-such", "README2"):
        assert name not in runbooks()
        assert name not in documents()
        assert browser.get(f"/admin/runbooks/{name}/").status_code == 404
        assert browser.get(f"/admin/docs/{name}/").status_code == 404


def test_customers_do_not_read_them():
    user, _ = people.customer()
    browser = people.browser_of(user)
    for page in ("runbooks/", "runbooks/kill-switch/", "docs/recovery/"):
        assert browser.get(f"/admin/{page}").status_code == 404
