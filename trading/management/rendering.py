"""Migrating with less work: a step renders the model that it changes, not all that are related.

Django keeps the models of a migration's state as classes, and makes anew those that a step may
have touched: of a table that many refer to, that is nearly all of them, hundreds of times. What a
step does to the schema needs the classes of its own model alone, with any class of its targets,
as relations are followed by name. Whoever reads rows through them (`RunPython`, what follows a
migration) has all made anew first: Django's own way for what it calls delayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ProjectState

ModelKey = tuple[str, str]


@contextmanager
def sparing() -> Iterator[None]:
    """Migrate so while this lasts: it holds for the whole process."""
    find, add_model, add_field = (
        ProjectState._find_reload_model,  # type: ignore[attr-defined]
        ProjectState.add_model,
        ProjectState.add_field,
    )

    def find_fewer(state: Any, app: str, model: str, delay: bool = False) -> set[ModelKey]:
        # Another type of a column that others refer to changes theirs: then all are needed.
        if not (delay or getattr(state, "is_adding", False)):
            found: set[ModelKey] = find(state, app, model, delay)
            return found
        state.is_delayed = True
        return {(app, model)}

    def adding(add: Any) -> Any:
        def noted(state: Any, *given: Any, **named: Any) -> None:
            state.is_adding = True
            try:
                add(state, *given, **named)
            finally:
                state.is_adding = False

        return noted

    changed = {
        "_find_reload_model": find_fewer,
        "add_model": adding(add_model),
        "add_field": adding(add_field),
    }
    _put(changed)
    try:
        yield
    finally:
        _put({"_find_reload_model": find, "add_model": add_model, "add_field": add_field})


def _put(methods: dict[str, Any]) -> None:
    for name, method in methods.items():
        setattr(ProjectState, name, method)
