"""The scripts of the admin's skin, and what they must be allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from csp.constants import UNSAFE_EVAL
from django.http import HttpRequest, HttpResponse

ADMIN: Final = "/admin/"


class AllowAdminScripts:
    """Let the admin's pages, and no others, evaluate expressions.

    django-unfold's menus and tabs are written for Alpine, which evaluates the attributes of its
    elements. Only staff reach these pages, and what they show is escaped.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.path.startswith(ADMIN):
            response._csp_update = {"script-src": [UNSAFE_EVAL]}  # type: ignore[attr-defined]
        return response
