"""Somebody who asks for every address there is."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.test import Client, RequestFactory


class Visitor:
    """Somebody who is in a browser, and tries addresses in it without being changed by them.

    An address costs what the program does with it: Django's client would copy what each template
    was rendered with, and there are thousands.
    """

    def __init__(self, browser: Client) -> None:
        self._requests = RequestFactory()
        self._requests.cookies = browser.cookies
        self._program = browser.handler

    def tries(self, method: str, path: str) -> HttpResponseBase:
        return self._program(getattr(self._requests, method)(path).environ)
