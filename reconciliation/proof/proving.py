"""Proving the books: nothing that was sealed has changed, and the tables are what it adds up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from django.db.models import Sum

from reconciliation import invariants
from reconciliation.proof import exporting, journal, listing, sealed, sealing
from reconciliation.proof.models import Seal, SealedBlock
from reconciliation.proof.replay import Touched

Progress = Callable[[int, int], None]

FINDINGS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof has found: nothing, or at most FINDINGS_MAX, what was written first first."""

    seals: int
    rows: int
    findings: tuple[Touched, ...]

    @property
    def holds(self) -> bool:
        return not self.findings


def prove(*, now: datetime, progress: Progress, within: Path | None = None) -> Proof:
    """Replay everything on one snapshot, also beside a running server.

    Compares the seals with the files in the folder `within`, that of the settings if not given.
    `progress` is told how many rows were read, and of how many.
    """
    with sealing.snapshot():
        total = journal.counted() + (SealedBlock.objects.aggregate(n=Sum("rows"))["n"] or 0)
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress(min(done, total), total)

        everything = _everything(now=now, within=within or exporting.folder(), count=count)
        findings = tuple(islice(everything, FINDINGS_MAX))
        return Proof(seals=Seal.objects.count(), rows=done, findings=findings)


def _everything(*, now: datetime, within: Path, count: Callable[[int], None]) -> Iterator[Touched]:
    yield from sealed.seals(within=within)
    for seal in Seal.objects.order_by("number").iterator(chunk_size=1):
        if sealed.is_readable(seal):  # what is not was named, and says nothing of others
            yield from sealed.rows(seal, count=count)
            yield from sealed.owed(seal)
    last = list(Seal.objects.order_by("-number")[:2])
    if not all(sealed.is_readable(seal) for seal in last):
        last = []
    if last:
        names = [entry["table"] for entry in last[0].content["tables"]]
        yield from sealed.guards([*names, *listing.SEALS])
    if len(last) == 2:
        floors = {entry["table"]: entry["through"] for entry in last[1].content["tables"]}
        listed = listing.described([name for name in floors if name != listing.CHAINS])
        yield from sealed.added(tables=listed, floors=floors)
    yield from journal.chained(count)
    yield from journal.replayed(count)
    for finding in invariants.check_invariants(now=now, follows_chains=False):
        # What is late is for operations; what was touched is not late but wrong.
        for breach in finding.breaches if finding.halts else ():
            whose = str(breach.account_id or "")
            yield Touched(f"invariant {finding.number}", whose, breach.what)
