#!/usr/bin/env python
"""The one program: `manage.py serve` runs it, `manage.py help` lists the rest."""

import os
import sys

if sys.version_info < (3, 11):
    sys.exit(f"Openfloor needs Python 3.11 or newer; this is {sys.version.split()[0]}.")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run `make setup`, then use .venv/bin/python.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
