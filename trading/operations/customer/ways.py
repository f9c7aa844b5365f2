"""The ways from a customer's page to the lists with all there is."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse


def listing(model: str, wanted: str = "", **filters: str) -> str:
    """Return the address of a list of the admin ("orders_order"), searched for `wanted`."""
    asked = {"q": wanted, **filters} if wanted else filters
    path = reverse(f"admin:{model}_changelist")
    return f"{path}?{urlencode(asked)}" if asked else path


def page(model: str, key: object) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:{model}_change", args=[key])
