"""Sealing anew, under the newest key, all that lies sealed: after a key was put before the others.

What is sealed is found by its name: texts of ours that begin with `sealed_`, in whatever table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.db import transaction
from django.db.models import Model, TextField

from accounts.factors import seeds

PREFIX: Final = "sealed_"
BATCH: Final = 500


def sealed_fields() -> Iterator[tuple[type[Model], str]]:
    """Return each table that holds something sealed, and the field's name."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, TextField) and field.name.startswith(PREFIX):
                yield model, field.name


def reseal() -> int:
    """Seal everything under the newest key; return how much it was. Again: the same.

    In batches of rows, each in a transaction of its own, so that nobody waits for long. Raises
    seeds.SeedUnreadable; what was resealed until then stays so.
    """
    return sum(_reseal(model, field) for model, field in sealed_fields())


def _reseal(model: type[Model], field: str) -> int:
    count, last = 0, None
    while True:
        with transaction.atomic():
            rows = model._default_manager.exclude(**{field: ""}).order_by("pk")
            if last is not None:
                rows = rows.filter(pk__gt=last)
            batch = list(rows.select_for_update(no_key=True)[:BATCH])
            for row in batch:
                sealed = seeds.reseal(getattr(row, field))
                model._default_manager.filter(pk=row.pk).update(**{field: sealed})
        count += len(batch)
        if len(batch) < BATCH:
            return count
        last = batch[-1].pk
