"""Seals as files, so that a copy can live where nobody of the house can reach it.

One file a seal, `NNNNNNNN.json`: its content, the public key and the signature.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from reconciliation.proof.models import Seal


@dataclass(frozen=True, slots=True)
class Exported:
    """What a file says, or why it cannot be read."""

    number: int
    said: dict[str, Any] | None
    failure: str = ""


def folder() -> Path:
    return Path(settings.SEALS)


def file_of(number: int, *, within: Path | None = None) -> Path:
    return (within or folder()) / f"{number:08}.json"


def export_missing() -> int:
    """Write every seal that has no file yet; return how many had none."""
    folder().mkdir(parents=True, exist_ok=True)
    missing = [
        number
        for number in Seal.objects.order_by("number").values_list("number", flat=True)
        if not file_of(number).exists()
    ]
    for number in missing:
        _write(Seal.objects.get(number=number))
    return len(missing)


def read(number: int, *, within: Path) -> Exported:
    try:
        found = json.loads(file_of(number, within=within).read_text())
    except FileNotFoundError:
        return Exported(number, None, "is missing")
    except (OSError, ValueError) as error:
        return Exported(number, None, f"cannot be read: {type(error).__name__}")
    if not isinstance(found, dict):
        return Exported(number, None, "is not a seal")
    return Exported(number, found)


def numbers(*, within: Path) -> Iterator[int]:
    """Return the numbers of all seals that have files, ascending."""
    for path in sorted(within.glob("[0-9]*.json")):
        if path.stem.isdecimal():
            yield int(path.stem)


def published(seal: Seal) -> dict[str, Any]:
    """Return what everybody may know of a seal: what its file says."""
    return {"content": seal.content, "key": seal.key, "signature": seal.signature}


def _write(seal: Seal) -> None:
    path = file_of(seal.number)
    # A name of its own: two who seal at once write the same.
    unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
    with unfinished.open("w") as file:
        json.dump(published(seal), file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)  # whole or not at all
