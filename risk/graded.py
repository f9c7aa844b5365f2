"""The severity of what people work, as lists of the admin show it."""

from __future__ import annotations

from typing import Any

from unfold.decorators import display

from risk.findings import Severity


class Graded:
    """Rows with a `severity`: their column of it, `level`."""

    @display(  # type: ignore[untyped-decorator]
        description="severity",
        ordering="severity",
        label={"severe": "danger", "warning": "warning", "notice": "info"},
    )
    def level(self, row: Any) -> str:
        return Severity(row.severity).name.lower()
