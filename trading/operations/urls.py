"""The pages of operations that belong to no one room; to the gate they are the admin's."""

from datetime import date

from django.urls import path, register_converter

from trading.operations import (
    approving,
    days,
    firm,
    lost_factors,
    names,
    proofs,
    reconciling,
    runbooks,
    statement_files,
)
from trading.operations.customer import notes
from trading.operations.customer import page as customer
from trading.operations.landing import page as landing


class Day:
    """A day in an address, as 2026-11-20. What is no day is no page."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(Day, "day")

app_name = "admin"
urlpatterns = [
    path("now/", landing.now, name="index_now"),
    path("firm/", firm.page, name="firm"),
    path("firm/now/", firm.now, name="firm_now"),
    path("customers/<uuid:account_id>/", customer.page, name="customer"),
    path("customers/<uuid:account_id>/notes/", notes.write, name="customer_note"),
    path(
        "customers/<uuid:account_id>/notes/<int:note_id>/pin/", notes.pin, name="customer_note_pin"
    ),
    path("day/", days.latest, name="days"),
    path("day/<day:day>/", days.page, name="day"),
    path("day/<day:day>/now/", days.now, name="day_now"),
    path("day/<day:day>/<slug:job>/again/", days.rerun, name="day_rerun"),
    path("lost-factors/", lost_factors.page, name="lost_factors"),
    path("names/", names.page, name="names"),
    path("runbooks/", runbooks.index, name="runbooks"),
    path("runbooks/<slug:name>/", runbooks.page, name="runbook"),
    path("docs/<slug:name>/", runbooks.document, name="document"),
    path("reconciliation-of/", reconciling.latest, name="reconciliation"),
    path("reconciliation-of/<day:day>/", reconciling.page, name="reconciliation_day"),
    path("reconciliation-of/<day:day>/<slug:form>/", reconciling.pack, name="reconciliation_pack"),
    path("proof/", proofs.page, name="proofs"),
    path("proof/now/", proofs.now, name="proofs_now"),
    path("proof/verify/", proofs.verify, name="proof_verify"),
    path("proof/seals/<int:number>/", proofs.seal, name="seal"),
    path("approvals/", approving.page, name="approvals"),
    path("approvals/<uuid:approval_id>/", approving.decide, name="approval"),
    path("statements/<uuid:statement_id>.csv", statement_files.as_csv, name="statement_csv"),
    path("statements/<uuid:statement_id>.pdf", statement_files.as_pdf, name="statement_pdf"),
]
