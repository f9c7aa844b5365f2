"""Which Python everything is installed for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import install

NAME = "python{}.{}".format(*sys.version_info)


def a_python(folder: Path, *, does: str) -> str:
    """Make a command that is named like this version of Python; return its path."""
    folder.mkdir()
    python = folder / NAME
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    return str(python)


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch):
    monkeypatch.setattr(install, "OTHER_FOLDERS", [])


def test_the_quickest_build_of_this_version_is_taken(tmp_path, monkeypatch):
    a_python(tmp_path / "quick", does="echo 0.000002")
    quickest = a_python(tmp_path / "quickest", does="echo 0.000001")
    monkeypatch.setenv("PATH", f"{tmp_path / 'quick'}{os.pathsep}{tmp_path / 'quickest'}")

    assert install.quickest() == quickest


@pytest.mark.parametrize("does", ["exit 1", "echo 1000"])
def test_one_that_cannot_make_environments_or_is_slow_is_not(tmp_path, monkeypatch, does):
    a_python(tmp_path / "other", does=does)
    monkeypatch.setenv("PATH", str(tmp_path / "other"))

    assert install.quickest() == sys.executable


def test_what_was_taken_before_is_taken_again(tmp_path, monkeypatch):
    python = a_python(tmp_path / "before", does="exit 0")
    link = tmp_path / "python"
    link.symlink_to(python)
    monkeypatch.setattr(install, "PYTHON", link)

    assert install.taken_before() == python

    Path(python).unlink()

    assert install.taken_before() is None
