"""The folder of backups: what is in it, what is kept of it, what is never replaced in it."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime, timedelta

import pytest

from trading.recovery import archiving, restoring
from trading.recovery import store as stores
from trading.recovery.restoring import UnableToRestore
from trading.recovery.store import Backup, Busy, Store
from trading.recovery.wal import SEGMENT_BYTES, Segment

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
MEGABYTE = 1_000_000


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "backups", "7001")


def backup(store: Store, *, day: int, segment: int, timeline: int = 1, size: int = 10) -> Backup:
    """Put a whole backup of that day into the store, which took an hour and `size` bytes."""
    begun_at = MIDNIGHT + timedelta(days=day)
    folder = store.base / f"{begun_at:%Y%m%dT%H%M%SZ}"
    folder.mkdir(parents=True)
    (folder / "base.tar.gz").write_bytes(bytes(size))
    made = Backup(
        folder=folder,
        timeline=timeline,
        begin=segment * SEGMENT_BYTES + 40,
        end=segment * SEGMENT_BYTES + 4000,
        begun_at=begun_at,
        ended_at=begun_at + timedelta(hours=1),
        unpacked_bytes=size,
    )
    stores.write(made)
    return made


def archived(store: Store, timeline: int, *numbers: int, ending: str = ".gz") -> None:
    store.wal(timeline).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        path = store.wal(timeline) / f"{Segment(timeline, number).name}{ending}"
        path.write_bytes(b"log")
        os.utime(path, (number, number))


def numbers(store: Store, timeline: int = 1) -> list[int]:
    return sorted(s.number for s in store.segments() if s.timeline == timeline)


def test_a_backup_reads_as_it_was_written(store):
    made = backup(store, day=0, segment=3)
    assert store.backups() == [made]
    assert store.is_begun


def test_what_was_cut_short_is_no_backup(store):
    made = backup(store, day=0, segment=3)
    made.folder.rename(made.folder.with_name(f"{made.name}.unfinished"))
    assert store.backups() == []


def test_the_oldest_go_with_the_log_that_only_they_need(store):
    made = [backup(store, day=day, segment=3 * day) for day in range(4)]
    archived(store, 1, *range(12))

    stores.prune(store, kept_max=2, bytes_max=MEGABYTE)

    assert store.backups() == made[2:]
    assert numbers(store) == list(range(6, 12))
    assert sorted(path.name for path in store.base.iterdir()) == [each.name for each in made[2:]]


def test_the_newest_stays_however_large_it_is(store):
    made = [backup(store, day=day, segment=3 * day, size=MEGABYTE) for day in range(3)]
    archived(store, 1, *range(12))

    stores.prune(store, kept_max=7, bytes_max=10)

    assert store.backups() == made[2:]
    assert numbers(store) == list(range(6, 12))


def test_what_leaves_enough_room_stays(store):
    made = [backup(store, day=day, segment=3 * day, size=MEGABYTE) for day in range(3)]

    stores.prune(store, kept_max=7, bytes_max=5 * MEGABYTE // 2)

    assert store.backups() == made[1:]


def test_without_a_backup_nothing_is_pruned(store):
    archived(store, 1, 1, 2)
    assert stores.prune(store, kept_max=1, bytes_max=1) == []
    assert numbers(store) == [1, 2]


def test_a_later_timeline_keeps_what_its_ancestor_s_backup_needs(store):
    backup(store, day=0, segment=3)
    backup(store, day=1, segment=6)
    kept = backup(store, day=2, segment=9, timeline=2)
    archived(store, 1, *range(3, 9))
    archived(store, 2, *range(8, 12))

    stores.prune(store, kept_max=2, bytes_max=MEGABYTE)
    assert (numbers(store, 1), numbers(store, 2)) == ([6, 7, 8], [8, 9, 10, 11])

    stores.prune(store, kept_max=1, bytes_max=MEGABYTE)
    assert (numbers(store, 1), numbers(store, 2)) == ([], [9, 10, 11])
    assert store.backups() == [kept]


def test_one_at_a_time_is_at_work(store):
    with (
        store.alone("archive"),
        pytest.raises(Busy, match="archive"),
        store.alone("archive"),
    ):
        pass
    with store.alone("archive"), store.alone("backup"):
        pass


def test_a_whole_segment_is_packed_and_one_that_is_received_is_not(store):
    archived(store, 1, 4, 5, ending="")
    archived(store, 1, 6, ending=".partial")

    assert archiving.pack_one(store.wal(1))
    assert archiving.pack_one(store.wal(1))
    assert not archiving.pack_one(store.wal(1))

    found = store.segments()
    assert [found[each].name for each in sorted(found)] == [
        "000000010000000000000004.gz",
        "000000010000000000000005.gz",
        "000000010000000000000006.partial",
    ]
    assert gzip.decompress(found[Segment(1, 4)].read_bytes()) == b"log"
    assert found[Segment(1, 4)].stat().st_mtime == 4  # when it was written, not when packed


def test_a_kill_between_packing_and_deleting_is_healed(store):
    archived(store, 1, 4, ending="")
    plain = store.wal(1) / Segment(1, 4).name
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(b"log"))

    assert archiving.pack_one(store.wal(1))

    assert [path.name for path in store.wal(1).iterdir()] == [f"{plain.name}.gz"]


def test_another_content_of_the_same_name_replaces_nothing(store):
    archived(store, 1, 4, ending="")
    plain = store.wal(1) / Segment(1, 4).name
    packed = plain.with_name(f"{plain.name}.gz")
    packed.write_bytes(gzip.compress(b"other"))

    with pytest.raises(archiving.TwoContents):
        archiving.pack_one(store.wal(1))

    assert gzip.decompress(packed.read_bytes()) == b"other"
    assert plain.read_bytes() == b"log"


def plan(store: Store, *, to: datetime | None = None, timeline: int | None = None):
    return restoring.plan(store, to=to, timeline=timeline, data=store.root / "lost")


def test_a_restore_begins_with_the_last_backup_that_was_whole(store):
    made = [backup(store, day=day, segment=3 * day) for day in range(3)]
    archived(store, 1, *range(9))

    found = plan(store, to=MIDNIGHT + timedelta(days=2, minutes=59))

    assert found.backup == made[1]
    assert [segment.number for segment, _ in found.segments] == [3, 4, 5, 6, 7, 8]
    assert plan(store, to=MIDNIGHT + timedelta(days=2, hours=1)).backup == made[2]
    assert plan(store).backup == made[2]


def test_no_backup_before_the_moment_is_said(store):
    backup(store, day=1, segment=3)
    with pytest.raises(UnableToRestore) as error:
        plan(store, to=MIDNIGHT)
    assert str(error.value) == (
        "No backup of timeline 1 was whole before 2026-01-05 00:00:00 UTC: "
        "the first was whole at 2026-01-06 01:00:00 UTC."
    )


def test_a_hole_in_the_log_is_named(store):
    backup(store, day=0, segment=3)
    archived(store, 1, 3, 4, 6, 7)
    with pytest.raises(UnableToRestore) as error:
        plan(store)
    assert str(error.value) == (
        "From backup 20260105T000000Z on, segment 000000010000000000000005 of the log is missing: "
        "restore to a moment before that with --to."
    )


def test_a_moment_before_the_hole_can_be_restored(store):
    backup(store, day=0, segment=3)
    archived(store, 1, 3, 4, 6)
    moment = MIDNIGHT + timedelta(hours=2)
    after = (moment + timedelta(seconds=1)).timestamp()
    os.utime(store.segments()[Segment(1, 4)], (after, after))

    found = plan(store, to=moment)
    assert [segment.number for segment, _ in found.segments] == [3, 4]

    with pytest.raises(UnableToRestore, match="is missing"):
        plan(store, to=moment + timedelta(seconds=2))


def test_what_a_restore_gave_up_can_still_be_reached(store):
    first = backup(store, day=0, segment=3)
    second = backup(store, day=1, segment=6)
    restored = backup(store, day=2, segment=5, timeline=2)
    archived(store, 1, *range(3, 9))
    archived(store, 2, 5, 6)
    forked = f"1\t0/{5 * SEGMENT_BYTES:X}\tbefore 2026-01-06 00:00:00+00\n"
    (store.wal(2) / "00000002.history").write_text(forked)

    assert plan(store).backup == restored
    assert plan(store, to=MIDNIGHT + timedelta(days=1, hours=5)).backup == first
    assert plan(store, timeline=1).backup == second
    with pytest.raises(UnableToRestore, match="There is no timeline 3: there are 1, 2"):
        plan(store, timeline=3)


def test_without_a_history_no_timeline_is_guessed(store):
    backup(store, day=0, segment=3, timeline=2)
    with pytest.raises(UnableToRestore, match="the history of timeline 2 is missing"):
        plan(store)


def test_too_little_room_is_said_before_anything_is_begun(store, monkeypatch):
    backup(store, day=0, segment=3, size=1_000)
    archived(store, 1, 3)
    free = SEGMENT_BYTES + 1_000 + restoring.ROOM_LEFT_BYTES
    found = plan(store)
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _folder: usage)
    restoring.check_room(found, store.root)
    usage.free = free - 1
    with pytest.raises(UnableToRestore, match="make room"):
        restoring.check_room(found, store.root)


def test_the_backups_are_those_of_the_data_folder_or_the_newest(store, tmp_path):
    backup(store, day=3, segment=3)
    other = Store(store.root, "7000")
    backup(other, day=1, segment=1)
    control = tmp_path / "postgres" / "global" / "pg_control"
    control.parent.mkdir(parents=True)

    assert restoring.store_of(store.root, tmp_path / "lost") == store
    control.write_bytes((7000).to_bytes(8, "little") + bytes(100))
    assert restoring.store_of(store.root, tmp_path / "postgres") == other
    control.write_bytes((7).to_bytes(8, "little") + bytes(100))
    with pytest.raises(UnableToRestore, match="no backup of the database"):
        restoring.store_of(store.root, tmp_path / "postgres")
