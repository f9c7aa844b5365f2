"""Processes of ours that are killed, forked from one that has the program loaded already.

What a process costs is its start, and these are about what it does. Each is a real one, with
connections of its own and nothing that it shares with the tests but the database.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

from django.conf import settings

from foundation import failpoints
from tests.patience import DEADLINE_SECONDS

Say = Callable[[str], None]

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.loaded"])


class Forked:
    """A process at work, and what it says."""

    def __init__(self, process: BaseProcess, hears: Connection) -> None:
        self._process, self._hears = process, hears

    def wait_for(self, words: str) -> None:
        """Wait until it says so next; raises EOFError when it ends without a word."""
        if not self._hears.poll(DEADLINE_SECONDS):
            raise RuntimeError("It says nothing.")
        said = self._hears.recv()
        if said != words:
            raise RuntimeError(f"It said {said!r}.")

    def said(self) -> list[str]:
        """Return all that it still says until it ends."""
        found: list[str] = []
        while True:
            try:
                found.append(self._hears.recv())
            except EOFError:
                return found

    def exit_code(self) -> int | None:
        """Wait for its end; return its status, or what killed it as a negative number."""
        self._process.join(DEADLINE_SECONDS)
        return self._process.exitcode


@contextmanager
def forked(
    work: Callable[..., None], *given: object, fails: str = "", **changed: object
) -> Iterator[Forked]:
    """Run `work(say, *given)` in a process of its own, under these settings, and kill it at last.

    `work` is a function of a module; `fails` says where it fails, as OPENFLOOR_FAILPOINTS does.
    """
    hears, says = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_run, args=(says, fails, changed, work, given))
    process.start()
    says.close()
    try:
        yield Forked(process, hears)
    finally:
        process.kill()
        process.join()
        hears.close()


def _run(
    says: Connection,
    fails: str,
    changed: dict[str, object],
    work: Callable[..., None],
    given: tuple[object, ...],
) -> None:
    os.environ["OPENFLOOR_FAILPOINTS"] = fails
    importlib.reload(failpoints)  # which it reads as it is loaded
    for name, value in changed.items():
        setattr(settings, name, value)
    work(says.send, *given)
