from datetime import datetime

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reconciliation.invariants import check_invariants


class Command(BaseCommand):
    help = "Check every invariant of the books, also beside a running server. Exits 1 on a breach."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at",
            type=datetime.fromisoformat,
            help="the time to judge what waits by, in ISO 8601: that of a restored database",
        )

    def handle(self, *args: object, at: datetime | None = None, **options: object) -> None:
        if at is not None and at.tzinfo is None:
            raise CommandError("--at needs an offset, such as 2026-01-05T14:30:00Z.")
        findings = check_invariants(now=at or timezone.now())
        for finding in findings:
            mark = "holds" if finding.holds else f"BROKEN {len(finding.breaches)}x"
            self.stdout.write(f"{finding.number:>3}  {mark:<12} {finding.name}")
            for breach in finding.breaches:
                self.stdout.write(f"       account {breach.account_id or '-'}: {breach.what}")
        broken = sum(not finding.holds for finding in findings)
        if broken:
            raise CommandError(f"{broken} of {len(findings)} invariants do not hold.")
        self.stdout.write(f"All {len(findings)} invariants hold.")
