from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reconciliation.invariants import check_invariants


class Command(BaseCommand):
    help = "Check every invariant of the books, also beside a running server. Exits 1 on a breach."

    def handle(self, *args: object, **options: object) -> None:
        findings = check_invariants(now=timezone.now())
        for finding in findings:
            mark = "holds" if finding.holds else f"BROKEN {len(finding.breaches)}x"
            self.stdout.write(f"{finding.number:>3}  {mark:<12} {finding.name}")
            for breach in finding.breaches:
                self.stdout.write(f"       account {breach.account_id or '-'}: {breach.what}")
        broken = sum(not finding.holds for finding in findings)
        if broken:
            raise CommandError(f"{broken} of {len(findings)} invariants do not hold.")
        self.stdout.write(f"All {len(findings)} invariants hold.")
