"""The pages of operations that belong to no one room; to the gate they are the admin's."""

from django.urls import path

from trading.operations import approving, firm

app_name = "admin"
urlpatterns = [
    path("firm/", firm.page, name="firm"),
    path("firm/now/", firm.now, name="firm_now"),
    path("approvals/", approving.page, name="approvals"),
    path("approvals/<uuid:approval_id>/", approving.decide, name="approval"),
]
