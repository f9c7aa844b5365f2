"""The folder of backups: `SYSTEM/base/NAME` and `SYSTEM/wal/TIMELINE`, for each database system.

A system is a data folder that was made once; its identifier outlives restores and promotions, and
another one never shares its files. Each timeline has a folder of the log to itself, so that what
was written before a restore stays beside what was written after it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, Final

from trading.recovery import wal
from trading.recovery.wal import Lineage, Segment

UNFINISHED: Final = ".unfinished"
_PARTIAL: Final = ".partial"
_PACKED: Final = ".gz"
_NOTES: Final = "backup.json"


class Busy(RuntimeError):
    """Another process is at work there."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A base backup in `folder`: the database as it was when it ended.

    `begin` and `end` are the positions between which the log makes it whole; `unpacked_bytes` is
    what the data takes when it is restored.
    """

    folder: Path
    timeline: int
    begin: int
    end: int
    begun_at: datetime
    ended_at: datetime
    unpacked_bytes: int

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def packed_bytes(self) -> int:
        return _size(self.folder)


@dataclass(frozen=True)
class Store:
    """What is kept of the database system `system`."""

    root: Path
    system: str

    @property
    def folder(self) -> Path:
        return self.root / self.system

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def is_begun(self) -> bool:
        """Was a backup ever taken, or is the first being taken? Then the log is archived."""
        return self.base.is_dir() and any(self.base.iterdir())

    @property
    def size(self) -> int:
        return _size(self.folder)

    def wal(self, timeline: int) -> Path:
        return self.folder / "wal" / f"{timeline:08X}"

    def backups(self) -> list[Backup]:
        """Return the whole backups, the oldest first."""
        found = [_read(notes) for notes in self.base.glob(f"*/{_NOTES}") if _is_whole(notes)]
        return sorted(found, key=lambda backup: (backup.ended_at, backup.name))

    def segments(self) -> dict[Segment, Path]:
        """Return the segments that are there: whole, packed, or as far as they were received."""
        found: dict[Segment, Path] = {}
        for ending in (_PARTIAL, _PACKED, ""):  # the last counts: nothing needs less to be read
            for path in self.folder.glob(f"wal/*/*{ending}"):
                try:
                    found[Segment.named(path.name.removesuffix(ending))] = path
                except wal.UnreadablePosition:
                    continue  # a history, or a file that is being written
        return found

    def timelines(self) -> list[int]:
        """Return the timelines of which there is anything, in the order they were begun."""
        folders = [path.name for path in self.folder.glob("wal/*") if any(path.iterdir())]
        return sorted(
            {int(name, 16) for name in folders} | {backup.timeline for backup in self.backups()}
        )

    def lineage(self, timeline: int) -> Lineage:
        """Return where a timeline comes from; raises WalMissing when its history is not there."""
        if timeline == 1:
            return wal.lineage(1)
        path = self.history(timeline)
        if path is None:
            raise wal.WalMissing(f"the history of timeline {timeline} is missing")
        return wal.lineage(timeline, path.read_text())

    def history(self, timeline: int) -> Path | None:
        path = self.wal(timeline) / f"{timeline:08X}.history"
        return path if path.exists() else None

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Keep others from `what`; raises Busy when somebody is at it."""
        make_private(self.folder)
        with (self.folder / f"{what}.lock").open("ab") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                raise Busy(f"Another process is at it: {what} of {self.folder}.") from None
            yield


def systems(root: Path) -> list[Store]:
    """Return the systems that have backups here, the one with the newest last."""
    found = [Store(root, path.parent.name) for path in root.glob("*/base")]
    whole = [(store.backups()[-1].ended_at, store) for store in found if store.backups()]
    return [store for _, store in sorted(whole, key=lambda each: (each[0], each[1].system))]


def write(backup: Backup) -> None:
    """Note what a backup is, as the last of its files."""
    notes = {
        "timeline": backup.timeline,
        "begin": backup.begin,
        "end": backup.end,
        "begun_at": backup.begun_at.isoformat(),
        "ended_at": backup.ended_at.isoformat(),
        "unpacked_bytes": backup.unpacked_bytes,
    }
    path = backup.folder / _NOTES
    with path.open("x") as file:
        json.dump(notes, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync(backup.folder)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it, that only we may enter: it has all that there is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def sync(folder: Path) -> None:
    """Have the names in a folder written to its disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(store: Store, *, kept_max: int, bytes_max: int) -> list[Path]:
    """Delete the oldest backups beyond `kept_max` or `bytes_max`, and the log that none needs.

    The newest backup stays, whatever it takes, with the log from its begin on. Return what was
    deleted.
    """
    backups = store.backups()
    gone: list[Path] = []
    size = store.size if backups else 0
    while len(backups) > 1 and (len(backups) > kept_max or size > bytes_max):
        oldest = backups.pop(0)
        gone += [oldest.folder, *_unneeded(store, backups)]
        _delete(gone)
        size = store.size
    rest = _unneeded(store, backups) if backups else []
    _delete(rest)
    return [*gone, *rest]


def _unneeded(store: Store, backups: list[Backup]) -> list[Path]:
    """Return the segments that no restore of these backups reads.

    A timeline's are needed from the begin of the first backup on that was taken of it or of one
    before it: a later timeline may descend from any earlier one.
    """
    return [
        path
        for segment, path in sorted(store.segments().items())
        if all(
            segment.timeline < each.timeline or segment.number < wal.number_of(each.begin)
            for each in backups
        )
    ]


def _delete(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            # By its new name it is no backup any more, however far the deleting gets.
            doomed = (
                path if path.name.endswith(UNFINISHED) else path.with_name(path.name + UNFINISHED)
            )
            path.rename(doomed)
            shutil.rmtree(doomed)
        else:
            path.unlink(missing_ok=True)


def _is_whole(notes: Path) -> bool:
    return not notes.parent.name.endswith(UNFINISHED)


def _read(notes: Path) -> Backup:
    found: dict[str, Any] = json.loads(notes.read_text())
    begun_at, ended_at = (
        datetime.fromisoformat(found.pop(name)) for name in ("begun_at", "ended_at")
    )
    return Backup(folder=notes.parent, begun_at=begun_at, ended_at=ended_at, **found)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue  # it was renamed or deleted meanwhile
    return total
