"""The API as an OpenAPI document, made from its routes and views.

Which calls there are, what they are for, who may make them and what their addresses name is read
from the routes and the views themselves; what they can be asked, from `asked`. Nothing of it is
written twice, and a test holds docs/openapi.json against it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.views import APIView

from accounts.sessions.gate import Access, access_of, proof_wanted
from trading.api import scopes
from trading.api.described import asked
from trading.api.views.base import Call

TITLE: Final = "Openfloor"
VERSION: Final = "1"
_ABOUT: Final = (
    "Trading and market data in the wire format of Alpaca's Trading API v2 and Market Data API v2 "
    "(/v2), which Openfloor is compatible with and has no other connection to, and our own calls "
    "(/api/v1). At most so many calls a minute are answered as X-RateLimit-Limit says, then 429 "
    "until X-RateLimit-Reset. Every failure has a code, a sentence and mostly a reason: "
    "docs/api.md lists them, and the sockets."
)
_FAILURES: Final = {
    "400": "The body cannot be read, or has a field that is not known.",
    "401": "No valid key, token or sign-in.",
    "403": "This is not allowed, or the order was denied.",
    "404": "There is no such thing, or it is somebody else's.",
    "413": "The body is too large.",
    "422": "A parameter or field makes no sense, or the request was refused.",
    "429": "More calls or attempts than are allowed.",
    "503": "Nothing could be answered now; `reason` says whether it may have had an effect.",
}
_SUCCESS: Final = {"post": "200", "put": "200", "patch": "200", "get": "200", "delete": "204"}
_OTHERS: Final = {
    ("Orders", "delete"): "207",
    ("Positions", "delete"): "207",
    ("PositionOf", "delete"): "200",
    ("Keys", "post"): "201",
    ("Payees", "post"): "201",
    ("Withdrawals", "post"): "201",
    ("WithdrawalOf", "delete"): "200",
    ("StepUp", "post"): "204",
    ("SignOut", "post"): "204",
}
_FILES: Final = {
    "StatementCsv": "text/csv",
    "StatementPdf": "application/pdf",
    "HistoryCsv": "text/csv",
}
_COMPONENTS: Final[dict[str, Any]] = {
    "schemas": {
        "Failure": {
            "type": "object",
            "properties": {
                "code": {"type": "integer", "example": 40410000},
                "message": {"type": "string"},
                "reason": {"type": "string", "description": "A stable word."},
            },
            "required": ["code", "message"],
        }
    },
    "responses": {
        f"Failed{status}": {
            "description": why,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
        }
        for status, why in _FAILURES.items()
    },
    "securitySchemes": {
        "keyId": {"type": "apiKey", "in": "header", "name": "APCA-API-KEY-ID"},
        "keySecret": {"type": "apiKey", "in": "header", "name": "APCA-API-SECRET-KEY"},
        "phone": {"type": "http", "scheme": "bearer"},
        "browser": {
            "type": "apiKey",
            "in": "cookie",
            "name": "session",
            "description": "With X-CSRFToken on all that changes.",
        },
    },
}


class Described(AutoSchema):
    """One call, as its view and its place in `asked` say it."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        name, verb = _name_of(type(self.view)), method.lower()
        handler = getattr(self.view, verb)
        needed = scopes.scope_of(handler)
        is_program = not path.startswith("/api/")
        about = [_said_of(handler, type(self.view))]
        if is_program and needed is not None:
            about.append(f"Needs the scope `{needed}` of a key.")
        proof = proof_wanted(type(self.view))
        if proof is not None and proof.concerns(method):
            about.append("Needs a second factor that was proved within five minutes.")
        operation: dict[str, Any] = {
            "operationId": _id_of(verb, path),
            "tags": [_tag_of(path)],
            "description": "\n\n".join(filter(None, about)),
            "parameters": [*_in_address(path), *_in_query(name, verb, path)],
            "responses": _responses(name, verb),
            "security": _security(type(self.view), is_program=is_program),
        }
        if (schema := asked.BODIES.get((name, verb))) is not None:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schema}},
            }
        return operation


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document, version 3.1."""
    generated = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": _ABOUT},
        "paths": {path: generated["paths"][path] for path in sorted(generated["paths"])},
        "components": _COMPONENTS,
    }


def _said_of(handler: Callable[..., Any], view: type[Any]) -> str:
    """Return what a call says of itself, or else its view; never what its base says of all."""
    said = [handler.__doc__]
    for each in view.__mro__:
        if each in (Call, APIView):
            break
        said.append(vars(each).get("__doc__"))
    return inspect.cleandoc(next(filter(None, said), ""))


def _name_of(view: type[Any]) -> str:
    """Return the name of the view that this one is, or is the twin of."""
    return re.sub(r"^(Keyed)?(Crypto)?", "", view.__name__)


def _id_of(verb: str, path: str) -> str:
    return "_".join([verb, *re.findall(r"[a-z0-9_]+", path.lower())])


def _tag_of(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if parts[0] == "api":
        return f"own: {re.split('[:]', parts[2])[0]}"
    return "market data" if parts[0] != "v2" or parts[1] == "stocks" else "trading"


def _in_address(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": asked.text(1, 100)}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _in_query(name: str, verb: str, path: str) -> list[dict[str, Any]]:
    wanted = dict(asked.QUERIES.get((name, verb), {}))
    if name in asked.BY_SYMBOLS and "{symbol}" not in path:
        wanted["symbols"] = asked.SYMBOLS
    return [{"name": each, "in": "query", "schema": schema} for each, schema in wanted.items()]


def _responses(name: str, verb: str) -> dict[str, Any]:
    success = _OTHERS.get((name, verb), _SUCCESS[verb])
    done: dict[str, Any] = {"description": "Done."}
    if name in _FILES:
        done["content"] = {_FILES[name]: {"schema": {"type": "string"}}}
    elif success != "204":
        done["content"] = {"application/json": {"schema": {"type": ["object", "array"]}}}
    return {
        success: done,
        **{status: {"$ref": f"#/components/responses/Failed{status}"} for status in _FAILURES},
    }


def _security(view: type[Any], *, is_program: bool) -> list[dict[str, list[str]]]:
    if access_of(view) is Access.PUBLIC:
        return []
    if is_program:
        return [{"keyId": [], "keySecret": []}, {"phone": []}]
    return [{"browser": []}, {"phone": []}]
