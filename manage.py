#!/usr/bin/env python
"""The one program: `manage.py serve` runs it, `manage.py help` lists the rest."""

import os
import sys

if sys.version_info < (3, 11):
    sys.exit(f"Openfloor needs Python 3.11 or newer; this is {sys.version.split()[0]}.")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from environs import EnvError
    except ImportError:
        sys.exit("Openfloor is not installed here. Run `make setup`, then use .venv/bin/python.")
    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"Openfloor cannot start as it is set: {error}")


if __name__ == "__main__":
    main()
