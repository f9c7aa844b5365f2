"""The pages of operations: staff with the permission see them, and decide as two."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import approvals
from accounts.models import ApprovalDecision, User
from marketdata import calendars
from portfolio.funding import services as funding
from risk.controls import switches
from risk.findings import Severity
from risk.limits import services as limiting
from risk.margin import rates as margin_rates
from risk.margin.requirements import Rates
from risk.models import Limits, MarginRate, Switch
from risk.surveillance import alerts
from tests import crowd, people, world
from tests.staff import operator, text_of
from trading.operations import approving, firm, sidebar, sifting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_seen():
    firm._firm_risk.forget()
    yield
    firm._firm_risk.forget()


def test_the_firm_page_shows_what_customers_have_and_renews_it():
    listed = crowd.instruments(4)
    crowd.accounts(12, listed, each=2)
    browser = people.browser_of(operator())
    page = browser.get("/admin/firm/")
    assert 'data-source="/admin/firm/now/"' in page.content.decode()
    shown = text_of(page)
    for symbol in ("S00", "S01", "S02", "S03"):
        assert symbol in shown
    assert "1 position without a price" in shown or "positions without a price" in shown
    now = text_of(browser.get("/admin/firm/now/"))
    assert "Exposure by symbol" in now
    assert "All" in now


def test_an_empty_firm_has_nothing_to_show():
    shown = text_of(people.browser_of(operator()).get("/admin/firm/"))
    assert "Nobody has a position." in shown
    assert "No margin account has a position." in shown


def test_figures_are_read_once_however_many_look():
    first = firm._firm_risk.latest()
    assert firm._firm_risk.latest() is first
    firm._firm_risk.forget()
    assert firm._firm_risk.latest() is not first


@pytest.mark.parametrize("page", ["firm/", "firm/now/", "approvals/"])
def test_staff_without_the_permission_are_refused_and_customers_find_nothing(page):
    clerk = operator("view_heartbeat")
    assert people.browser_of(clerk).get(f"/admin/{page}").status_code == 403
    customer, _ = people.customer()
    assert people.browser_of(customer).get(f"/admin/{page}").status_code == 404


def test_the_first_page_counts_what_waits():
    alerts.raise_alert(
        kind="wash_trade",
        severity=Severity.SEVERE,
        account_id=None,
        evidence={},
        now=timezone.now(),
    )
    shown = text_of(people.browser_of(operator()).get("/admin/"))
    assert "Alerts 1 1 severe" in shown
    assert "Approvals 0 wait for you, of 0 in all" in shown
    for name in ("Margin calls", "Switches and halts", "Parked reports"):
        assert f"{name} 0" in shown
    few = text_of(people.browser_of(operator("view_alert")).get("/admin/"))
    assert "Alerts 1" in few
    assert "Approvals" not in few


def test_the_sidebar_leads_to_what_one_may_see_and_to_nothing_else():
    everything = [entry for _, entries in sidebar.GROUPS for entry in entries]
    browser = people.browser_of(operator())
    page = text_of(browser.get("/admin/"))
    for name, where, _ in everything:
        assert name in page
        assert browser.get(reverse(where)).status_code == 200, where
    few = text_of(people.browser_of(operator("view_alert")).get("/admin/"))
    hidden = ("Money in and out", "Switches and halts", "Firm risk", "Parts of the program")
    assert [name for name in hidden if name in few] == []


def test_times_say_their_zone():
    ann = operator()
    switches.engage(
        scope=switches.Scope(),
        effect=Switch.Effect.HALT,
        reason="Something is odd",
        actor="operator:ann",
        now=datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC),
    )
    shown = text_of(people.browser_of(ann).get("/admin/risk/switch/"))
    assert "2026-03-02 15:04:05 UTC" in shown


# --- Four eyes -----------------------------------------------------------------------------------


def asked(by: User, kind: str = margin_rates.APPROVAL, **content: object):
    return approvals.ask(
        kind=kind,
        subject="AAPL",
        content=content or {"rate": "0.25", "old": None, "values": {"long": "0.3"}},
        reason="The committee has met",
        by=by,
        now=timezone.now(),
    )


def decide(browser, approval, outcome, reason=""):
    where = f"/admin/approvals/{approval.pk}/"
    return text_of(browser.post(where, {"outcome": outcome, "reason": reason}, follow=True))


def test_what_waits_is_shown_with_what_it_would_do():
    ann, bob = operator(), operator()
    asked(ann)
    shown = text_of(people.browser_of(bob).get("/admin/approvals/"))
    assert "Loosen a margin rate" in shown
    assert "The committee has met" in shown
    assert "rate 0.25" in shown
    assert "long 0.3" in shown
    assert "Approve" in shown
    assert "Withdraw it" in text_of(people.browser_of(ann).get("/admin/approvals/"))


def names_in_order(answer) -> list[str]:
    shown = answer.content.decode().split('<div class="ops">')[1]
    return re.findall(r"<h([23])[^>]*>(?:<a[^>]*>)?([^<]+)", shown)


def test_what_concerns_one_comes_first_and_is_sifted():
    """The roles of Bob decide on margin rates alone, and he has asked for something himself."""
    ann, bob = operator(), operator("view_approval", "add_approvaldecision", "add_marginrate")
    asked(ann, kind=limiting.LOOSEN, scope="global")
    asked(bob)
    asked(ann)
    browser = people.browser_of(bob)
    shown = browser.get("/admin/approvals/")
    assert names_in_order(shown) == [
        ("2", "For you to decide"),
        ("3", "Loosen a margin rate"),
        ("2", "Asked by you"),
        ("3", "Loosen a margin rate"),
        ("2", "For others to decide"),
        ("3", "Loosen limits"),
    ]
    assert "All 3 For you to decide 1 Asked by you 1 For others to decide 1" in text_of(shown)
    others = browser.get("/admin/approvals/?whose=others")
    assert names_in_order(others) == [("2", "For others to decide"), ("3", "Loosen limits")]
    assert "Everything 1 Loosen limits 1" in text_of(others)
    rates = browser.get(f"/admin/approvals/?kind={margin_rates.APPROVAL}")
    assert [name for level, name in names_in_order(rates) if level == "3"] == [
        "Loosen a margin rate"
    ] * 2
    assert "wait for you, of 3 in all" in text_of(browser.get("/admin/"))
    nothing = browser.get("/admin/approvals/?whose=others&kind=unheard.of")
    assert "Nothing like that waits. Show all" in text_of(nothing)


def test_what_waits_comes_in_pages_and_a_decision_leads_back_to_the_same():
    ann, bob = operator(), operator()
    approved = [asked(ann) for _ in range(sifting.PAGE + 1)]
    browser = people.browser_of(bob)
    first = browser.get("/admin/approvals/?whose=yours")
    assert "1 to 20 of 21" in text_of(first)
    assert "/admin/approvals/?whose=yours&amp;page=2" in first.content.decode()
    second = browser.get("/admin/approvals/?whose=yours&page=2")
    assert second.content.decode().count("Withdraw it") == 0
    assert second.content.decode().count(">Approve<") == 1
    where = f"/admin/approvals/{approved[-1].pk}/?whose=yours&page=2"
    answer = browser.post(where, {"outcome": "refuse", "reason": "Not now"})
    assert answer.headers["Location"] == "/admin/approvals/?whose=yours&page=2"
    assert "page=2" not in browser.get(answer.headers["Location"]).content.decode()


@pytest.mark.parametrize("query", ["whose=x", "page=x", "page=-1", "page=99999999", "kind=%00"])
def test_a_sift_that_makes_no_sense_shows_what_waits(query):
    asked(operator())
    shown = text_of(people.browser_of(operator()).get(f"/admin/approvals/?{query}"))
    assert "Loosen a margin rate" in shown


def test_one_person_does_not_approve_what_they_have_asked_for():
    ann = operator()
    approval = asked(ann)
    shown = decide(people.browser_of(ann), approval, "approve")
    assert "Another person has to approve" in shown
    assert not ApprovalDecision.objects.exists()


def test_approving_limits_sets_them():
    ann, bob = operator(), operator()
    account = world.customer()

    def put(most):
        wanted = limiting.Wanted(
            values={"order_value_max": Decimal(most)}, reason="Known", account_id=account.pk
        )
        return limiting.put(wanted, by=ann, now=timezone.now())

    put(500)
    approval = put(900)  # looser than before: it waits
    assert limit_of(account) == 500
    shown = decide(people.browser_of(bob), approval, "approve", "Seen")
    assert "Approved, and carried out." in shown
    assert limit_of(account) == 900


def limit_of(account):
    return Limits.objects.filter(account=account).latest("pk").order_value_max


def test_approving_a_release_releases_the_switch():
    ann, bob = operator(), operator()
    switch = switches.engage(
        scope=switches.Scope(account_id=world.customer().pk),
        effect=Switch.Effect.HALT,
        reason="Something is odd",
        actor="operator:ann",
        now=timezone.now(),
    )
    approval = switches.ask_release(switch, reason="It was not", by=ann, now=timezone.now())
    page = people.browser_of(bob).get("/admin/approvals/").content.decode()
    [link] = re.findall(r'href="([^"]*)"[^>]*>Release a switch</a>', page)
    assert link == f"/admin/risk/switch/{switch.pk}/change/"
    assert page.count(str(switch.pk)) == 1  # in that link: nobody reads an id
    decide(people.browser_of(bob), approval, "approve")
    switch.refresh_from_db()
    assert switch.released_at is not None


def test_approving_a_margin_rate_sets_it():
    ann, bob = operator(), operator()
    aapl = world.instrument()

    def propose(initial, days):
        return margin_rates.propose(
            instrument=aapl,
            rates=Rates(initial=Decimal(initial), long=Decimal("0.5"), short=Decimal("0.5")),
            since=calendars.date_of(timezone.now()) + timedelta(days=days),
            reason="Calm again",
            by=ann,
            now=timezone.now(),
        )

    propose("0.9", 0)
    approval = propose("0.7", 1)
    assert [row.initial for row in MarginRate.objects.filter(instrument=aapl)] == [Decimal("0.9")]
    shown = decide(people.browser_of(bob), approval, "approve")
    assert "Approved, and carried out." in shown, shown
    assert MarginRate.objects.filter(instrument=aapl).latest("pk").initial == Decimal("0.7")


def test_approving_a_withdrawal_lets_it_go():
    ann, bob = operator(), operator()
    account = world.customer(cash="900000.00")
    wanted = funding.request_withdrawal(
        account_id=account.pk,
        payee_id=world.payee(account, daily_limit="1000000.00").pk,
        amount=Decimal(800_000),
        reference="W1",
        actor=f"user:{account.user_id}",
        now=timezone.now(),
    )
    funding.approve(wanted.pk, by=ann, reason="Known", now=timezone.now())
    approval = funding.asked_approval(wanted, now=timezone.now())
    decide(people.browser_of(bob), approval, "approve", "Known to me, too")
    wanted.refresh_from_db()
    assert wanted.state == "approved"


def test_a_refusal_says_why_and_nothing_is_carried_out():
    ann, bob = operator(), operator()
    approval, browser = asked(ann), people.browser_of(bob)
    assert "Say why you refuse it." in decide(browser, approval, "refuse")
    assert not ApprovalDecision.objects.exists()
    assert "nothing was changed" in decide(browser, approval, "refuse", "Not now")
    decision = ApprovalDecision.objects.get()
    assert (decision.outcome, decision.by, decision.reason) == ("refused", bob, "Not now")
    assert "It does not wait any more." in decide(browser, approval, "approve")


def test_what_nobody_knows_how_to_carry_out_is_not_approved():
    ann, bob = operator(), operator()
    approval = asked(ann, kind="unheard.of")
    browser = people.browser_of(bob)
    assert "unheard.of" in text_of(browser.get("/admin/approvals/"))
    assert "Nobody here knows" in decide(browser, approval, "approve")
    assert not ApprovalDecision.objects.exists()


def test_who_may_only_look_decides_nothing():
    ann, bob = operator(), operator("view_approval")
    approval, browser = asked(ann), people.browser_of(bob)
    assert "Refuse" not in text_of(browser.get("/admin/approvals/"))
    answer = browser.post(f"/admin/approvals/{approval.pk}/", {"outcome": "approve"})
    assert answer.status_code == 403
    assert not ApprovalDecision.objects.exists()


def test_what_has_waited_too_long_is_not_shown():
    approval = asked(operator())
    assert approval.expires_at - approval.asked_at == timedelta(hours=24)
    late = approval.expires_at + timedelta(seconds=1)
    assert not approvals.waiting(now=late).exists()


def test_every_kind_that_rooms_ask_for_is_known_here():
    assert set(approving.MATTERS) == {
        "reconciliation.correction",
        "risk.limits",
        "risk.switch.release",
        "risk.margin_rate",
        "risk.day_trader",
        "portfolio.withdrawal",
        "portfolio.corporate_action",
        "reconciliation.legal_hold",
        "accounts.lost_factors",
        "accounts.legal_name",
    }
