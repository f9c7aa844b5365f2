"""The secret of a data folder: whole, ours alone, and one, however many make it at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from trading import own_secrets


def test_two_that_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    for attempt in range(50):
        together = Barrier(2)

        def make(name: str, together: Barrier = together) -> str:
            together.wait()
            return own_secrets.kept(name, home=tmp_path)

        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(make, [f"KEY_{attempt}"] * 2)
        assert first == second
        assert len(first) == 64
    assert {path.name for path in tmp_path.iterdir()} == {f"key_{n}" for n in range(50)}


def test_it_is_kept_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    made = own_secrets.kept("SECRET_KEY", home=tmp_path)
    assert own_secrets.kept("SECRET_KEY", home=tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_an_empty_file_that_was_left_behind_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    made = own_secrets.kept("SECRET_KEY", home=tmp_path)
    assert len(made) == 64
    assert (tmp_path / "secret_key").read_text() == made
