import gc
from typing import Any, Final

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate

from trading.management import rendering
from trading.operations import staff_roles

# A step makes models by the hundred, and what is made in between is not garbage yet: to look for
# some as often as Python does takes a fifth of a first start.
GARBAGE_THRESHOLD: Final = (200_000, 20, 100)


class Command(DjangoMigrate):
    """Migrate as the owner of the schema: the role that the program runs as may not change it.

    Then the roles of the staff are given the permissions that they have by now.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *arguments: Any, **options: Any) -> None:
        before = gc.get_threshold()
        gc.set_threshold(*GARBAGE_THRESHOLD)
        try:
            with rendering.sparing():
                super().handle(*arguments, **options)
            if not (options["app_label"] or options["plan"] or options["check_unapplied"]):
                staff_roles.sync(using=options["database"])
        finally:
            gc.set_threshold(*before)
