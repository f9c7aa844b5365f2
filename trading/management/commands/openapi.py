"""Print the API as an OpenAPI document: docs/openapi.json."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from trading.api.described.document import document


class Command(BaseCommand):
    help = "Print the API as an OpenAPI document, which docs/openapi.json is."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(json.dumps(document(), indent=1))
