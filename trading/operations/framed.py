"""A page of ours in the admin's frame."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def enter(request: HttpRequest, permission: str = "") -> None:
    """Let the member of staff who asks into a page of the admin; without one it is everybody's.

    Raises PermissionDenied without the permission.
    """
    may = not permission or request.user.has_perm(permission)
    if not (admin.site.has_permission(request) and may):
        raise PermissionDenied
    # Our addresses have a name space of their own; what our pages link to is the admin's.
    request.current_app = admin.site.name


def framed(request: HttpRequest, template: str, **shown: Any) -> HttpResponse:
    """Return the page: `shown` is its context, `title` among it."""
    return render(request, template, {**admin.site.each_context(request), **shown})
