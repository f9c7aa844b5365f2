"""Every address there is, tried by everybody there is. A new route is found by itself."""

from __future__ import annotations

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import Http404, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from django.urls import resolve
from django_otp.middleware import OTPMiddleware

from accounts.sessions import authentication, gate
from accounts.sessions.gate import Access
from accounts.sessions.store import SessionStore
from tests import people
from tests.architecture.addresses import Route, routes
from tests.architecture.visitor import Visitor
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("db")

# Who opens another door to everybody says so here too, where it is seen.
PUBLIC = {
    "acknowledge_alert",
    "api_docs",
    "api_schema",
    "cancel_link",
    "enrol_again",
    "forgotten",
    "healthz",
    "join",
    "metrics",
    "phone_factor",
    "phone_factor_code",
    "phone_factor_key",
    "phone_password",
    "phone_refresh",
    "readyz",
    "register",
    "reset",
    "sign_in",
    "sign_in_link",
    "status",
    "status_json",
    "terms",
}
HALF_SIGNED_IN = {
    "code", "enrol", "enrol_awaited", "enrol_key", "enrol_key_options", "sign_in_key", "sign_out",
}  # fmt: skip
PROGRAMS = ("/v1", "/v2")  # only there may a view authenticate by itself


def is_turned_away(response, path: str) -> bool:
    if path.startswith(gate.PROGRAM_PATHS):
        return response.status_code == 401 and response.headers["Content-Type"].startswith(
            "application/json"
        )
    return response.status_code == 302 and response.headers["Location"].startswith("/sign-in")


def anonymous() -> Client:
    return Client(raise_request_exception=False)


def password_only() -> Client:
    return people.halfway(people.person(password=PASSWORD))


def unenrolled() -> Client:
    from accounts import services

    user = services.register(email="new@example.com", password=PASSWORD)
    return people.halfway(user)


def without_device() -> Client:
    """What nothing here makes: Django's own sign-in without a second factor."""
    browser = anonymous()
    browser.force_login(people.person())
    return browser


def closed() -> list[Route]:
    found = [route for route in routes() if route.access is Access.VERIFIED]
    assert len(found) > 300
    return found


def test_no_stranger_gets_in():
    authentication.forget()
    visitor = Visitor(anonymous())
    for route in closed():
        for method in ("get", "post"):  # the gate stands before the method is looked at
            assert is_turned_away(visitor.tries(method, route.path), route.path), route


class AtTheGate:
    """Somebody with what their browser was given, who comes as far as the gate.

    Who they are is made out once, as the program does it. What the gate takes from them is gone
    from that one request, and is there again at the next address.
    """

    def __init__(self, browser: Client) -> None:
        self._requests = RequestFactory()
        self._requests.cookies = browser.cookies
        self._gate = gate.VerifiedOnlyMiddleware(lambda _: HttpResponse())
        first = self._requests.get("/")
        SessionMiddleware(AuthenticationMiddleware(OTPMiddleware(lambda _: HttpResponse())))(first)
        self._session_key = first.session.session_key
        self._user = first.user
        self.is_known, self.is_verified = not first.session.is_empty(), first.user.is_verified()

    def tries(self, route: Route) -> HttpResponseBase:
        request = self._requests.get(route.path)
        request.session, request.user = SessionStore(self._session_key), self._user
        request.resolver_match = resolve(route.path)
        return self._gate.process_view(request, route.view) or self._gate(request)


@pytest.mark.parametrize("who", [password_only, unenrolled, without_device])
def test_nobody_gets_in_without_both_factors(who):
    authentication.forget()
    browser = who()
    visitor = AtTheGate(browser)
    assert (visitor.is_known, visitor.is_verified) == (True, False)
    assert is_turned_away(Visitor(browser).tries("get", "/account"), "/account")
    for route in closed():
        assert is_turned_away(visitor.tries(route), route.path), route


def test_whoever_is_let_in_is_let_in_at_the_gate_alone():
    """The twin: where those are turned away, a customer with both factors is not. Nor do they get
    in where members of staff do, about which they hear nothing."""
    authentication.forget()
    browser = people.browser_of(people.customer()[0])
    visitor = AtTheGate(browser)
    for route in closed():
        if route.is_admin:
            with pytest.raises(Http404):
                visitor.tries(route)
        else:
            assert not is_turned_away(visitor.tries(route), route.path), route
    assert Visitor(browser).tries("get", "/admin/").status_code == 404


@pytest.mark.parametrize("is_staff", [False, True])
def test_whoever_has_both_factors_gets_their_pages(is_staff):
    authentication.forget()
    user = people.person(is_staff=True) if is_staff else people.customer()[0]
    visitor = Visitor(people.browser_of(user))
    for route in closed():
        if route.is_admin and not is_staff:
            continue  # see above
        response = visitor.tries("get", route.path)
        assert not is_turned_away(response, route.path), route
        assert response.status_code < 500, route


def test_a_view_that_authenticates_by_itself_refuses_whoever_brings_no_key():
    authentication.forget()
    own = [route for route in routes() if route.access is Access.OWN_AUTHENTICATION]
    assert all(route.path.startswith(PROGRAMS) for route in own)
    for browser in (anonymous(), people.browser_of(people.customer()[0])):
        visitor = Visitor(browser)
        for route in own:
            for method in ("get", "post", "delete", "patch"):
                assert visitor.tries(method, route.path).status_code in (401, 404, 405), route


def test_every_open_door_is_listed_here():
    found = routes()
    assert {route.name for route in found if route.access is Access.PUBLIC} <= PUBLIC
    assert {route.name for route in found if route.access is Access.HALF_SIGNED_IN} == (
        HALF_SIGNED_IN
    )


def test_a_view_does_not_inherit_an_open_door():
    @gate.public
    class Open:
        pass

    class Derived(Open):
        pass

    def view_of(owner):
        def view(request):
            return None

        view.view_class = owner
        return view

    assert gate.access_of(view_of(Open)) is Access.PUBLIC
    assert gate.access_of(view_of(Derived)) is Access.VERIFIED
