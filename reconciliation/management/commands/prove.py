from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Account
from reconciliation.proof import liabilities, proving, runs, sealing
from reconciliation.proof.runs import UnableToProve


class Command(BaseCommand):
    help = (
        "Replay the journal from nothing, verify every seal and chain, and name what was touched,"
        " the earliest first. Exits 1 if anything was. With --account: print the proof that what"
        " the account is owed is in the totals of the latest seal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", metavar="ID", help="Its id or its number.")
        parser.add_argument("--seals", type=Path, help="Where a copy of the seals' files is.")

    def handle(
        self, *args: object, account: str | None, seals: Path | None, **options: object
    ) -> None:
        if account is not None:
            self._prove_account(account)
            return
        if seals is not None and not seals.is_dir():
            raise CommandError(f"There is no folder {seals}.")
        by = f"operator:shell:{getpass.getuser()}"[:80]
        try:
            proof = runs.prove(by=by, clock=timezone.now, progress=self._show, within=seals)
        except UnableToProve as error:
            raise CommandError(str(error)) from None
        for place, touched in enumerate(proof.findings):
            self.stdout.write(f"{'touched first' if place == 0 else '  also'}: {touched}")
        if len(proof.findings) == proving.FINDINGS_MAX:
            self.stdout.write("There may be more.")
        if not proof.holds:
            raise CommandError(f"{len(proof.findings)} things are not what they were or must be.")
        if not proof.seals:
            self.stdout.write("No day was sealed yet: only the replay says something.")
        self.stdout.write(f"Proved: {proof.seals} seals, {proof.rows:,} rows read.")

    def _prove_account(self, wanted: str) -> None:
        seal = sealing.latest()
        if seal is None:
            raise CommandError("No day was sealed yet: there is nothing to prove it with.")
        found = Account.objects.filter(number=wanted)
        with suppress(ValueError):
            found = found | Account.objects.filter(pk=UUID(wanted))
        known = found.first()
        if known is None:
            raise CommandError(f"There is no account {wanted}.")
        shown = liabilities.proof(account_id=known.pk, seal=seal)
        self.stdout.write(json.dumps(shown, indent=1, sort_keys=True))

    _shown = -1

    def _show(self, done: int, total: int) -> None:
        percent = 100 * done // total if total else 100
        if percent != self._shown:
            self._shown = percent
            self.stderr.write(f"\r{percent:>3} % of {total:,} rows", ending="")
            if percent == 100:
                self.stderr.write("")
