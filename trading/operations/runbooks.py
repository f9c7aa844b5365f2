"""The runbooks of docs/runbooks as operations reads them, where alerts link to, by their places.

What a runbook links to is read here as well: the pages of docs/, and the admin's own, which it
names in bold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from trading.operations import markdown, sidebar
from trading.operations.framed import enter, framed
from trading.operations.markdown import Text
from trading.settings import BASE_DIR

PERMISSION: Final = "risk.view_alert"
DOCUMENTS: Final = BASE_DIR / "docs"
FOLDER: Final = DOCUMENTS / "runbooks"
INDEX: Final = "README"
_ARROW: Final = "\N{RIGHTWARDS ARROW}"


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show what there is a runbook for."""
    return _shown(request, runbooks()[INDEX])


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a runbook."""
    return _shown(request, runbooks().get(name))


@require_GET
def document(request: HttpRequest, name: str) -> HttpResponse:
    """Show a page of the documentation, which runbooks lead to."""
    return _shown(request, documents().get(name))


def _shown(request: HttpRequest, path: Path | None) -> HttpResponse:
    enter(request, PERMISSION)
    if path is None:
        raise Http404
    text = read(path)
    return framed(request, "operations/runbook.html", title=text.title, text=text)


def runbooks() -> dict[str, Path]:
    """Return where each runbook lies, by its name."""
    return {path.stem: path for path in FOLDER.glob("*.md")}


def documents() -> dict[str, Path]:
    """Return where each page of the documentation lies, by its name."""
    return {path.stem: path for path in DOCUMENTS.glob("*.md")}


def read(path: Path) -> Text:
    """Return a file as it is shown."""
    return markdown.text_of(
        path.read_text(), linked=lambda target: _linked(path.parent, target), named=_named
    )


def _linked(folder: Path, target: str) -> str | None:
    """Return the address of what a file in `folder` links to, None for what is not shown."""
    if target.startswith(("http://", "https://", "mailto:")):
        return target
    name, mark, anchor = target.partition("#")
    path = (folder / name).resolve()
    if path == runbooks()[INDEX]:
        where = reverse("operations:runbooks")
    elif path == runbooks().get(path.stem):
        where = reverse("operations:runbook", args=[path.stem])
    elif path == documents().get(path.stem):
        where = reverse("operations:document", args=[path.stem])
    else:
        return None
    return f"{where}{mark}{anchor}"


def _named(words: str) -> str | None:
    """Return the page of the admin that is called so: "Accounts", "Risk > Limits > Add"."""
    parts = [part.strip().casefold() for part in words.split(_ARROW)]
    name, page = parts[-1], "changelist"
    if len(parts) > 1 and name == "add":
        name, page = parts[-2], "add"
    for _, entries in sidebar.GROUPS:
        for title, where, _ in entries:
            if title.casefold() == name and page == "changelist":
                return reverse(where)
    for model in admin.site._registry:
        meta = model._meta
        if str(meta.verbose_name_plural).casefold() == name:
            return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}")
    return None
