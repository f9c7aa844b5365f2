"""The secret of a data folder: whole, ours alone, and one, however many make it at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from trading import settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "HOME", tmp_path)
    return tmp_path


def test_two_that_make_it_at_once_have_the_same(home: Path) -> None:
    for attempt in range(50):
        together = Barrier(2)

        def make(name: str, together: Barrier = together) -> str:
            together.wait()
            return settings._kept_secret(name)

        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(make, [f"KEY_{attempt}"] * 2)
        assert first == second
        assert len(first) == 64
    assert {path.name for path in home.iterdir()} == {f"key_{n}" for n in range(50)}


def test_it_is_kept_and_readable_by_its_owner_alone(home: Path) -> None:
    made = settings._kept_secret("SECRET_KEY")
    assert settings._kept_secret("SECRET_KEY") == made
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600


def test_an_empty_file_that_was_left_behind_is_no_secret(home: Path) -> None:
    (home / "secret_key").touch()
    made = settings._kept_secret("SECRET_KEY")
    assert len(made) == 64
    assert (home / "secret_key").read_text() == made
