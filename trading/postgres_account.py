"""As whom PostgreSQL runs: as ourselves, or, as it refuses to be root, as a system user.

That user may be unable to enter folders that are root's alone, such as a clone below a
private home. Nothing of these folders is opened up for it: its processes get the one
capability that looks past folder permissions, and only when they need it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

# Least first: enter and read; then also run programs that a strict umask left to root alone.
_CAPABILITIES: Final = (None, "dac_read_search", "dac_override")


class UnableToRunPostgres(RuntimeError):
    """The embedded PostgreSQL cannot run; the text is one sentence for a person."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The system account of the server's processes, and ours, which talks to it."""

    name: str
    own_name: str
    uid: int
    gid: int
    capability: str | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments of subprocess that change the account."""
        if self.uid == os.geteuid() or self.capability:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def command(self, command: Sequence[str]) -> list[str]:
        """Return `command` as it must be run to be this account."""
        if not self.capability:
            return list(command)
        granted = f"+{self.capability}"
        return [
            "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps=-all,{granted}",
            f"--ambient-caps=-all,{granted}",
            f"--bounding-set=-all,{granted}",
            *command,
        ]

    def make_private_folder(self, path: Path) -> None:
        """Make `path` a folder that only the account may use; refuse one of somebody else's."""
        try:
            path.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (self.uid, os.geteuid()):
                raise UnableToRunPostgres(
                    f"{path} belongs to somebody else: remove it and start again."
                ) from None
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o700)

    def create(self, path: Path) -> BinaryIO:
        """Open a new file of the account's at `path` in place of any that is there."""
        path.unlink(missing_ok=True)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        if os.geteuid() == 0:
            os.fchown(file.fileno(), self.uid, self.gid)
        return file


def account_for(
    *, name: str, data: Path, binaries: Path, folders: Callable[[Account], Sequence[Path]]
) -> Account:
    """Return the account that the server of `data` runs as, and make its `folders`.

    Under root that is the system user `name`, who is made when absent.
    """
    uid = os.geteuid()
    try:
        ours = pwd.getpwuid(uid)
    except KeyError:
        raise UnableToRunPostgres(
            f"PostgreSQL needs a user with a name and user id {uid} has none: "
            "add it to /etc/passwd or set DATABASE_URL."
        ) from None
    if uid != 0:
        account = Account(name=ours.pw_name, own_name=ours.pw_name, uid=uid, gid=os.getegid())
        folders(account)
        return account
    entry = _system_user(name)
    plain = Account(name=name, own_name=ours.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    needed = folders(plain)
    for capability in _CAPABILITIES:
        account = Account(**{**vars(plain), "capability": capability})
        if (capability is None or shutil.which("setpriv")) and _can_use(account, binaries, needed):
            return account
    raise UnableToRunPostgres(
        f"PostgreSQL never runs as root, and the system user {name} that it runs as here cannot "
        f"enter {data.parent} or {binaries}: start as an ordinary user, or install setpriv."
    )


def _can_use(account: Account, binaries: Path, folders: Sequence[Path]) -> bool:
    """Try it: run a program of the server's as `account`, and look into the folders."""
    probe = '"$0" --version >/dev/null && for folder; do cd "$folder" || exit 1; done'
    return (
        subprocess.run(
            account.command(["sh", "-c", probe, str(binaries / "postgres"), *map(str, folders)]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **account.identity,
        ).returncode
        == 0
    )


def _system_user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/"]
    try:
        subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", name], check=True, capture_output=True
        )
        return pwd.getpwnam(name)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise UnableToRunPostgres(
            f"PostgreSQL never runs as root, and the system user {name} could not be made for it: "
            "start as an ordinary user, or set DATABASE_URL."
        ) from error
