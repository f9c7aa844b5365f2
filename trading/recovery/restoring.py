"""Restore the embedded database to a moment: beside the old one, checked, and only then in place.

A restore needs a backup that was whole before that moment and every segment of the log from there
on. They come from the archive, and where the old data folder can still be read, from its own log,
which has what was on its way to the archive. Everything is looked up before anything is begun.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import struct
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from django.core.management import CommandError, call_command
from django.db import connections

from trading.postgres import Server
from trading.postgres_account import UnableToRunPostgres
from trading.recovery import backups, beside, wal
from trading.recovery import store as stores
from trading.recovery.backups import DATA, SECRETS, UnableToBackUp
from trading.recovery.store import Backup, Store
from trading.recovery.wal import SEGMENT_BYTES, Lineage, Segment
from trading.settings import postgres_socket_folder

ANSWER_SECONDS_MAX: Final = 300.0
ROOM_LEFT_BYTES: Final = 512 * 1024 * 1024  # a restored server writes, too
_LAST: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)")
_PAGE: Final = struct.Struct("<HHIQ")  # magic, flags, timeline, position

Say = Callable[[str], None]


class UnableToRestore(RuntimeError):
    """Nothing was changed; the text is one sentence for a person."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a restore to `to` reads: None is all that there is."""

    store: Store
    backup: Backup
    timeline: int
    to: datetime | None
    segments: Sequence[tuple[Segment, Path]]
    histories: Sequence[Path]

    @property
    def bytes_needed(self) -> int:
        return self.backup.unpacked_bytes + len(self.segments) * SEGMENT_BYTES


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A database that was restored into the data folder `home`, and has stopped.

    `last_at` is when the last transaction that is in it was committed; None when the log had none
    after the backup.
    """

    home: Path
    plan: Plan
    last_at: datetime | None
    seconds: float


def store_of(root: Path, data: Path) -> Store:
    """Return the backups of the database in `data`; where that is lost, the newest that there are.

    Raises UnableToRestore.
    """
    there = stores.systems(root)
    if not there:
        raise UnableToRestore(f"There is no backup in {root}.")
    system = system_of(data)
    if system is None:
        return there[-1]
    for each in there:
        if each.system == system:
            return each
    raise UnableToRestore(f"There is no backup of the database {data} in {root}.")


def system_of(data: Path) -> str | None:
    """Return the identifier of the database in a data folder; None when there is none to read."""
    try:
        return str(int.from_bytes((data / "global" / "pg_control").read_bytes()[:8], "little"))
    except OSError:
        return None


def plan(store: Store, *, to: datetime | None, timeline: int | None, data: Path) -> Plan:
    """Find what a restore to `to` reads, of the youngest timeline unless another is asked for.

    Raises UnableToRestore: no backup is old enough, or the log has a hole.
    """
    known = store.timelines()
    timeline = timeline or known[-1]
    if timeline not in known:
        raise UnableToRestore(f"There is no timeline {timeline}: there are {_listed(known)}.")
    try:
        path = store.lineage(timeline)
    except wal.WalMissing as error:
        raise UnableToRestore(f"{error}.") from None
    ours = [
        each
        for each in store.backups()
        if wal.leads_through(path, timeline=each.timeline, lsn=each.end)
    ]
    usable = [each for each in ours if to is None or each.ended_at <= to]
    if not usable:
        first = f": the first was whole at {ours[0].ended_at:%Y-%m-%d %H:%M:%S %Z}" if ours else ""
        raise UnableToRestore(
            f"No backup of timeline {timeline} was whole"
            f"{f' before {to:%Y-%m-%d %H:%M:%S %Z}' if to else ''}{first}."
        )
    backup = usable[-1]
    there = {**store.segments(), **_own_log(data, store)}
    return Plan(
        store=store,
        backup=backup,
        timeline=timeline,
        to=to,
        segments=_needed(path, backup=backup, there=there, to=to),
        # All that there are: what is restored begins a timeline that none of them has.
        histories=[found for each in known if (found := store.history(each)) is not None],
    )


def _needed(
    path: Lineage, *, backup: Backup, there: dict[Segment, Path], to: datetime | None
) -> list[tuple[Segment, Path]]:
    within = {  # which lie in the backup itself
        Segment(backup.timeline, number)
        for number in range(wal.number_of(backup.begin), wal.number_of(backup.end - 1) + 1)
    }
    try:
        found = wal.needed(path, begin=backup.begin, there={*there, *within})
    except wal.WalMissing as hole:
        found = list(hole.before)
        lead = [there[each] for each in found if each in there]
        if to is None or not lead or lead[-1].stat().st_mtime <= to.timestamp():
            raise UnableToRestore(
                f"From backup {backup.name} on, {hole}"
                + ("." if to else ": restore to a moment before that with --to.")
            ) from None
    return [(each, there[each]) for each in found if each in there]


def _own_log(data: Path, store: Store) -> dict[Segment, Path]:
    """Return the segments in the log of the old data folder: the archive may lack the last."""
    if system_of(data) != store.system:
        return {}
    packed = store.segments()
    found = {}
    for path in (data / "pg_wal").iterdir():
        try:
            segment = Segment.named(path.name)
        except wal.UnreadablePosition:
            continue
        has_all = segment in packed and not packed[segment].name.endswith(".partial")
        if not has_all and _is_written(path, segment):
            found[segment] = path
    return found


def _is_written(path: Path, segment: Segment) -> bool:
    """Is this file that segment, and not an old one that waits to become it?"""
    with path.open("rb") as file:
        begin = file.read(_PAGE.size)
    if len(begin) < _PAGE.size:
        return False
    _, _, timeline, lsn = _PAGE.unpack(begin)
    return bool(lsn == segment.number * SEGMENT_BYTES and timeline == segment.timeline)


def check_room(plan: Plan, folder: Path) -> None:
    """Raises UnableToRestore when the disk of `folder` has too little room."""
    needed = plan.bytes_needed + ROOM_LEFT_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UnableToRestore(
            f"The disk of {folder} has {free // 1_000_000:,} MB free and a restore needs "
            f"{needed // 1_000_000:,}: make room, or restore --into a folder of another disk."
        )


def restore(plan: Plan, *, home: Path, owner: str, database: str, say: Say) -> Restored:
    """Make the data folder `home` of what the plan reads, and let it recover to its moment.

    Raises UnableToRestore; what was made so far is left for a look.
    """
    begun = time.monotonic()
    say(f"Backup {plan.backup.name} of timeline {plan.backup.timeline}, verified and unpacked")
    server = beside.server_in(home, owner=owner, database=database)
    server.options = _recovery_settings(plan)
    try:
        backups.verify(plan.backup.folder)
        _unpack(plan.backup, home)
        _lay_out_log(plan, server.data / "pg_wal")
        (server.data / "recovery.signal").touch()
        server.take_over()
        say(f"{len(plan.segments)} segments of the log replayed")
        server.start()
        try:
            _forget_standbys(server)
        finally:
            server.stop()
    except UnableToBackUp as error:
        raise UnableToRestore(f"The backup {plan.backup.name} is damaged: {error}.") from error
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UnableToRestore(f"It could not be restored: {error}.") from error
    except UnableToRunPostgres as error:
        raise UnableToRestore(_why(plan, str(error))) from error
    return Restored(
        home=home,
        plan=plan,
        last_at=_last_transaction(server.data / "start.log"),
        seconds=time.monotonic() - begun,
    )


def _recovery_settings(plan: Plan) -> tuple[str, ...]:
    found = [
        "restore_command=false",  # all of the log lies in its place already
        f"recovery_target_timeline={plan.timeline}",
        "recovery_target_action=promote",
        "hot_standby=off",  # it is reached when it is restored, not before
        "synchronous_standby_names=",
        "logging_collector=off",  # what it says of the recovery goes to start.log
    ]
    if plan.to is not None:
        found.append(f"recovery_target_time={plan.to.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}")
    return tuple(found)


def _unpack(backup: Backup, home: Path) -> None:
    stores.make_private(home)
    data = home / "postgres"
    data.mkdir(mode=0o700)
    for name, folder in (("base.tar.gz", data), ("pg_wal.tar.gz", data / "pg_wal")):
        folder.mkdir(mode=0o700, exist_ok=True)
        with tarfile.open(backup.folder / DATA / name) as file:
            # Python knows this filter since 3.11.4, and a backup is our own: without it is well.
            file.extraction_filter = getattr(tarfile, "data_filter", None)
            file.extractall(folder)  # noqa: S202
    backups.bring_secrets(backup.folder, to=home)


def _lay_out_log(plan: Plan, folder: Path) -> None:
    for segment, path in plan.segments:
        opening = gzip.open if path.suffix == ".gz" else open
        with opening(path, "rb") as packed, (folder / segment.name).open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
            file.truncate(SEGMENT_BYTES)
    for path in plan.histories:
        shutil.copy2(path, folder / path.name)


def _forget_standbys(server: Server) -> None:
    """It has none any more: with their names set, nothing would ever be acknowledged."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")


def _last_transaction(written: Path) -> datetime | None:
    found = _LAST.findall(written.read_text(errors="replace"))
    return datetime.fromisoformat(found[-1]).replace(tzinfo=UTC) if found else None


def _why(plan: Plan, complaint: str) -> str:
    if "before configured recovery target was reached" in complaint and plan.to is not None:
        return (
            f"The log ends before {plan.to:%Y-%m-%d %H:%M:%S %Z}: leave out --to to restore all "
            "that there is."
        )
    return complaint


def check(server: Server, *, at: datetime) -> str:
    """Start a restored server as it will be, and return what `check_invariants` says of it.

    What waits is judged by the moment `at`. From then on this process's database is that one.
    Raises UnableToRestore when an invariant does not hold.
    """
    said = io.StringIO()
    _let_go_of_database()
    place = connections["default"].settings_dict
    place["HOST"] = str(server.socket_folder)
    place["OPTIONS"]["pool"]["timeout"] = ANSWER_SECONDS_MAX
    try:
        with server:
            try:
                call_command("check_invariants", at=at, stdout=said)
            finally:
                _let_go_of_database()
    except UnableToRunPostgres as error:
        raise UnableToRestore(str(error)) from error
    except CommandError as error:
        raise UnableToRestore(
            f"What was restored into {server.data.parent} is not right: nothing was put in its "
            f"place.\n{said.getvalue()}{error}"
        ) from error
    return said.getvalue()


def _let_go_of_database() -> None:
    connections.close_all()
    connections["default"].close_pool()  # type: ignore[attr-defined]


def put_in_place(restored: Restored, *, home: Path, now: datetime) -> list[Path]:
    """Let the restored database take the place of the one in `home`; return what was put aside."""
    aside: list[Path] = []
    stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    for name in ("postgres", *SECRETS):
        new, old = restored.home / name, home / name
        if not new.exists():
            continue
        if old.exists():
            kept = old.with_name(f"{name}.before-{stamp}")
            old.rename(kept)
            aside.append(kept)
        new.rename(old)
    stores.sync(home)
    return aside


def remove(home: Path) -> None:
    """Remove what is left of a folder that was restored into, and the folder of its socket."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(postgres_socket_folder(home), ignore_errors=True)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
