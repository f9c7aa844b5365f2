"""The OpenAPI document, and a page to read it on."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.sessions.gate import public
from trading.api.described.document import document


class Operation(NamedTuple):
    """One call, as the page shows it."""

    id: str
    method: str
    path: str
    about: str
    parameters: list[dict[str, Any]]
    fields: list[tuple[str, str]]


@public
@require_safe
def schema(_request: HttpRequest) -> HttpResponse:
    return JsonResponse(document())


@public
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every call, by what it is about."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document()["paths"].items():
        for method, said in methods.items():
            found.setdefault(said["tags"][0], []).append(_operation(method, path, said))
    return render(request, "pages/api.html", {"tags": sorted(found.items())})


def _operation(method: str, path: str, said: dict[str, Any]) -> Operation:
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    properties = content.get("schema", {}).get("properties", {})
    return Operation(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        about=said["description"],
        parameters=[
            {"name": each["name"], "place": each["in"], "kind": _kind(each["schema"])}
            for each in said["parameters"]
        ],
        fields=[(name, _kind(each)) for name, each in properties.items()],
    )


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return " or ".join(each.get("format", each["type"]) for each in schema[several])
    kind = schema["type"]
    said = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{said} ({schema['format']})" if "format" in schema else said
