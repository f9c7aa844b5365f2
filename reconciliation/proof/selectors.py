"""What auditors look at: seals and what is in them, proofs and what they found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.oversight import actors
from reconciliation.proof.models import ProofRun, Seal


@dataclass(frozen=True, slots=True)
class Listed:
    """What a seal lists of one table."""

    table: str
    rows: int
    blocks: int
    through: str
    root: str


@dataclass(frozen=True, slots=True)
class Owed:
    """What customers were owed of one asset, and how many of them."""

    asset: str
    total: Decimal
    leaves: int
    root: str


@dataclass(frozen=True, slots=True)
class SealShown:
    """A seal, without its secret. `previous` is the digest of the one before, empty in the first.

    `tables` are those with new rows.
    """

    number: int
    day: date
    sealed_at: datetime
    root: str
    digest: str
    previous: str
    key: str
    signature: str
    rows: int
    tables: tuple[Listed, ...]
    owed: tuple[Owed, ...]

    @property
    def before(self) -> int | None:
        """Return the number of the seal before."""
        return self.number - 1 or None


@dataclass(frozen=True, slots=True)
class RunShown:
    """A proof: `state` is waiting, running, proved, touched or failed."""

    state: str
    asked_at: datetime
    asked_by: str
    ended_at: datetime | None
    took: timedelta | None
    done: int
    total: int
    seals: int
    findings: tuple[dict[str, str], ...]
    failed: str

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None


def recent_seals(most: int, *, below: int | None = None) -> list[SealShown]:
    """Return the latest seals first, those with numbers `below` if it is given."""
    found = Seal.objects.order_by("-number").defer("secret")
    if below is not None:
        found = found.filter(number__lt=below)
    return [_shown(each) for each in found[:most]]


def seal(number: int) -> SealShown | None:
    found = Seal.objects.defer("secret").filter(pk=number).first()
    return None if found is None else _shown(found)


def recent_runs(most: int) -> list[RunShown]:
    """Return the latest proofs first."""
    found = list(ProofRun.objects.order_by("-id")[:most])
    who = actors.named(each.asked_by for each in found)
    return [_run(each, who) for each in found]


def _shown(seal: Seal) -> SealShown:
    content: dict[str, Any] = seal.content
    assets: dict[str, Any] = content["liabilities"]["assets"]
    return SealShown(
        number=seal.number,
        day=seal.day,
        sealed_at=seal.sealed_at,
        root=seal.root,
        digest=seal.digest,
        previous=content["previous"],
        key=seal.key,
        signature=seal.signature,
        rows=sum(entry["rows"] for entry in content["tables"]),
        tables=tuple(
            Listed(
                entry["table"],
                entry["rows"],
                entry["blocks"],
                entry["through"] or "",
                entry["root"],
            )
            for entry in content["tables"]
            if entry["rows"]
        ),
        owed=tuple(
            Owed(asset, Decimal(each["total"]), each["leaves"], each["root"])
            for asset, each in sorted(assets.items())
        ),
    )


def _run(run: ProofRun, who: Mapping[str, str]) -> RunShown:
    return RunShown(
        state=_state(run),
        asked_at=run.asked_at,
        asked_by=who[run.asked_by],
        ended_at=run.ended_at,
        took=run.ended_at - run.started_at if run.ended_at and run.started_at else None,
        done=run.done,
        total=run.total,
        seals=run.seals,
        findings=tuple(run.findings),
        failed=run.failed,
    )


def _state(run: ProofRun) -> str:
    if run.started_at is None:
        return "waiting"
    if run.ended_at is None:
        return "running"
    if run.failed:
        return "failed"
    return "touched" if run.findings else "proved"
