"""Servers of data folders beside the program's own: one that is restored, one that follows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trading.postgres import Server
from trading.settings import postgres_socket_folder

REPLAY_SECONDS_MAX: Final = 4 * 3600.0
"""What has been gone for long has much of the log to replay before it answers."""


def server_in(home: Path, *, owner: str, database: str, follows: bool = False) -> Server:
    """Return the server of the data folder `home`; a standby's `follows` another."""
    return Server(
        data=home / "postgres",
        socket_folder=postgres_socket_folder(home),
        owner=owner,
        database=database,
        follows=follows,
        seconds_max=REPLAY_SECONDS_MAX,
    )
