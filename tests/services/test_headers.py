"""What every page tells the browser to keep out."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.sessions import authentication
from tests import people
from tests.architecture import addresses

pytestmark = pytest.mark.django_db


def policy(browser, path):
    response = browser.get(path)
    assert response.status_code == 200
    return {
        name: sources
        for name, *sources in (
            part.split() for part in response["Content-Security-Policy"].split(";")
        )
    }


@pytest.fixture
def staff(db):
    return people.browser_of(people.person(is_staff=True))


def test_a_page_runs_our_scripts_alone_and_is_framed_by_nobody():
    rules = policy(people.browser_of(people.customer()[0]), "/account")
    assert rules["script-src"][0] == "'self'"
    assert "'unsafe-eval'" not in rules["script-src"]
    assert "'unsafe-inline'" not in rules["script-src"]
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert rules[name] == ["'none'"]


def test_only_the_admin_may_evaluate(staff):
    assert "'unsafe-eval'" in policy(staff, "/admin/")["script-src"]


@pytest.mark.parametrize("value", ['"\\000aaaaaaaaaaaaaaa"', "../../etc/passwd", "x" * 5000, ""])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/account", "/api/v1/account", "/healthz"])
def test_a_cookie_that_is_no_session_is_as_if_there_were_none(path, value):
    stranger = Client(raise_request_exception=False)
    bare = stranger.get(path)
    answer = stranger.get(path, headers={"cookie": f"{settings.SESSION_COOKIE_NAME}={value}"})
    assert answer.status_code == bare.status_code < 500


ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SHUT = ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'")


def stranger():
    return Client(raise_request_exception=False), addresses.routes()


def customer():
    """Admin pages do not exist for customers: those have their own test above."""
    routes = [route for route in addresses.routes() if not route.is_admin]
    return people.browser_of(people.customer()[0]), routes


@pytest.mark.parametrize("who", [stranger, customer])
def test_secure_headers_are_on_the_answer_of_every_address(who):
    authentication.forget()
    browser, routes = who()
    assert len(routes) > 100
    for route in routes:
        answer = browser.get(route.path)
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, route
        policy = answer.headers["Content-Security-Policy"]
        assert [rule for rule in SHUT if rule not in policy] == [], route
        scripts = policy.partition("script-src")[2].partition(";")[0]
        assert "unsafe-inline" not in scripts, route
        assert route.is_admin or "unsafe-eval" not in scripts, route
