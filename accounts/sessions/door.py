"""What every sign-in needs around its view, whichever view that is: the cookie that a browser is
known by, and the pages for whoever is not let in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.sessions import devices
from accounts.sessions.judging import SignInStopped, StrongerFactorNeeded


class Door:
    """Middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        devices.give_cookie(request, response)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, SignInStopped):
            return render(request, "auth/stopped.html", status=403)
        if isinstance(error, StrongerFactorNeeded):
            return render(request, "auth/stronger.html", {"why": error.text}, status=403)
        return None
