"""What is dear asks for a second factor that was proved within five minutes."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.factors import proving
from accounts.factors.strength import Strength
from accounts.models import SignIn, User
from accounts.sessions import authentication
from accounts.sessions.gate import freshly_proved
from tests import people
from tests.people import PASSWORD
from trading.api.authentication import IsCaller, SignedInAuthentication

pytestmark = pytest.mark.usefixtures("db")
MINUTES_5 = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


@freshly_proved
def dear(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@freshly_proved("POST", strong=True)
def dearer(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@freshly_proved("POST", "DELETE")
class Dear(APIView):
    authentication_classes = (SignedInAuthentication,)
    permission_classes = (IsCaller,)

    def get(self, request: Request) -> Response:
        return Response({"done": True})

    post = delete = get


class Derived(Dear):
    pass


@pytest.fixture(autouse=True)
def dear_pages(settings):
    authentication.forget()
    urls = ModuleType("dear_urls")
    urls.urlpatterns = [
        path("dear", dear),
        path("dearer", dearer),
        path("api/v1/dear", Dear.as_view()),
        path("api/v1/derived", Derived.as_view()),
        path("", include("trading.urls")),
    ]
    settings.ROOT_URLCONF = urls


@pytest.fixture
def customer() -> User:
    return people.customer(password=PASSWORD)[0]


@pytest.fixture
def browser(customer: User) -> Client:
    return people.browser_by_link(customer)


def proved_at(user: User):
    return SignIn.objects.get(user=user, ended_at=None).proved_at


def test_step_up_a_proof_is_fresh_for_five_minutes_and_no_second_more(customer, browser):
    proved = proved_at(customer)
    for late, is_fresh in ((MINUTES_5 - SECOND, True), (MINUTES_5 + SECOND, False)):
        authentication.forget()
        with time_machine.travel(proved + late, tick=False):
            page = browser.get("/dear?x=1")
            call = browser.post("/api/v1/dear")
            assert browser.get("/api/v1/dear").status_code == 200  # reading asks for none
        if is_fresh:
            assert (page.status_code, call.status_code) == (200, 200)
            continue
        assert page.headers["Location"] == "/prove?next=%2Fdear%3Fx%3D1"
        assert call.status_code == 403
        assert call.json() == {
            "code": 40310020,
            "message": "Prove a second factor again.",
            "reason": "proof_needed",
            "prove": "/prove",
        }


@pytest.mark.parametrize("method", ["post", "delete"])
def test_a_view_that_is_derived_from_a_dear_one_is_dear(customer, browser, method):
    with time_machine.travel(proved_at(customer) + MINUTES_5, tick=False):
        assert getattr(browser, method)("/api/v1/derived").status_code == 403
        assert browser.get("/api/v1/derived").status_code == 200


def test_step_up_leads_back_under_another_session_key(customer, browser):
    former = browser.cookies["session"].value
    with time_machine.travel(proved_at(customer) + MINUTES_5, tick=False):
        wanted = browser.get("/dear").headers["Location"]
        assert b"python manage.py code" in browser.get(wanted).content
        wrong = browser.post(wanted, {"code": "000000"})
        assert wrong.status_code == 422
        assert browser.get("/dear").status_code == 302  # and nothing was proved
        assert browser.cookies["session"].value == former
    later = proved_at(customer) + MINUTES_5 + timedelta(minutes=1)
    with time_machine.travel(later, tick=False):
        code = proving.current_code(customer, now=timezone.now())
        assert browser.post(wanted, {"code": code}).headers["Location"] == "/dear"
        assert browser.cookies["session"].value != former
        assert browser.get("/dear").status_code == 200
        thief = Client()
        thief.cookies["session"] = former
        assert thief.get("/dear").headers["Location"].startswith("/sign-in")
    sign_in = SignIn.objects.get(user=customer)
    assert (sign_in.proved_at, sign_in.strength) == (later, Strength.STRONG)
    assert (sign_in.device, sign_in.ended_at) == ("authenticator app", None)


def test_a_step_up_leads_to_no_other_site(customer, browser):
    code = proving.current_code(customer, now=timezone.now())
    sent = browser.post("/prove?next=https://evil.example/", {"code": code})
    assert sent.headers["Location"] == "/"


def test_a_form_is_come_back_to_where_it_stood(customer, browser):
    with time_machine.travel(proved_at(customer) + MINUTES_5, tick=False):
        assert browser.get("/dearer").status_code == 200
        sent = browser.post("/dearer", headers={"Referer": "http://testserver/account?x=1"})
        assert sent.headers["Location"] == "/prove?need=strong&next=%2Faccount"
        sent = browser.post("/dearer", headers={"Referer": "https://evil.example/account"})
        assert sent.headers["Location"] == "/prove?need=strong&next=%2F"


def test_a_weak_proof_is_not_enough_where_a_strong_one_is_asked_for(customer, browser):
    assert browser.post("/dearer").status_code == 200
    authentication.forget()
    SignIn.objects.filter(user=customer).update(strength=Strength.WEAK)
    assert browser.post("/dearer").status_code == 302
    assert browser.get("/dear").status_code == 200
