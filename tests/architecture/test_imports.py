"""The house stands as it was drawn."""

from __future__ import annotations

import configparser
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

from trading.settings import BASE_DIR

OUR_APPS = [app for app in apps.get_app_configs() if Path(app.path).is_relative_to(BASE_DIR)]
OUR_APPS = [app for app in OUR_APPS if ".venv" not in app.path]


def test_every_import_keeps_the_contracts():
    finished = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout


def test_the_contracts_name_modules_that_exist():
    contracts = configparser.ConfigParser()
    contracts.read(BASE_DIR / ".importlinter")
    pure = contracts["importlinter:contract:pure"]["source_modules"].split()

    assert [module for module in pure if importlib.util.find_spec(module) is None] == []


def test_every_app_of_ours_stands_in_the_layers():
    contracts = configparser.ConfigParser()
    contracts.read(BASE_DIR / ".importlinter")
    drawn = contracts["importlinter:contract:layers"]["layers"].replace("|", " ").split()

    assert {app.name.partition(".")[0] for app in OUR_APPS} == set(drawn)


def test_what_tests_share_is_in_no_test():
    """Whoever looks for a builder looks into modules that are named after what they build."""
    texts = {path: path.read_text() for path in (BASE_DIR / "tests").rglob("*.py")}
    from_a_test = re.compile(
        r"^from tests[\w.]*(?:\.test_\w+ import | import .*\btest_)", re.MULTILINE
    )

    assert [str(path) for path, text in texts.items() if from_a_test.search(text)] == []


@pytest.mark.parametrize("label", sorted(app.label for app in OUR_APPS))
def test_no_model_has_changed_without_a_migration(db, label):
    call_command("makemigrations", label, check=True, dry_run=True, verbosity=0)
