"""The runbooks of docs/runbooks as operations reads them, where alerts link to: by their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from trading.operations.framed import enter, framed
from trading.settings import BASE_DIR

PERMISSION: Final = "risk.view_alert"
FOLDER: Final = BASE_DIR / "docs" / "runbooks"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the place that links name, and the text below it as it was written."""

    title: str
    place: str
    text: str


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a runbook."""
    enter(request, PERMISSION)
    path = runbooks().get(name)
    if path is None:
        raise Http404
    first, *rest = sections(path.read_text())
    return framed(
        request, "operations/runbook.html", title=first.title, first=first, sections=rest,
        names=sorted(runbooks()),
    )  # fmt: skip


def runbooks() -> dict[str, Path]:
    """Return where each runbook lies, by its name."""
    return {path.stem: path for path in FOLDER.glob("*.md")}


def sections(text: str) -> list[Section]:
    """Return the parts of a text in Markdown, each from one heading to the next."""
    found: list[Section] = []
    for part in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
        heading, _, below = part.partition("\n")
        if heading.startswith("#"):
            title = heading.lstrip("# ").replace("`", "").strip()
            found.append(Section(title, place_of(title), below.strip()))
    return found


def place_of(title: str) -> str:
    """Return under which name a heading is linked to, as on the pages of a repository."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
