"""Which scope of a key a call needs, said beside the call itself.

    class Orders(Call):
        @reads
        def get(...)
        @trades
        def post(...)

A call that says nothing is within no key's scopes: programs cannot reach it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from accounts.keys.terms import Scope

Handler = TypeVar("Handler", bound=Callable[..., Any])

_MARK: Final = "openfloor_scope"


def reads(handler: Handler) -> Handler:
    """Let every key make this call."""
    return _mark(handler, Scope.READ)


def trades(handler: Handler) -> Handler:
    """Let only keys that may trade make this call."""
    return _mark(handler, Scope.TRADE)


def scope_of(handler: Callable[..., Any]) -> Scope | None:
    """Return the scope that a call needs; None if it says nothing."""
    return getattr(handler, _MARK, None)


def _mark(handler: Handler, scope: Scope) -> Handler:
    setattr(handler, _MARK, scope)
    return handler
