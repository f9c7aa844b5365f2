"""What all customers have at stake is what adding them up one by one says."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from portfolio.models import Balance, Position
from risk import firm
from risk.models import MarginStatus
from tests import crowd

pytestmark = pytest.mark.django_db
D = Decimal
CENT = D("0.01")


@pytest.fixture
def customers():
    listed = crowd.instruments(8)
    made = crowd.accounts(90, listed, each=3)
    for account in [each for each in made if each.margin][:8]:
        MarginStatus.objects.create(
            account=account,
            at=timezone.now(),
            equity=D(1_000),
            long_value=D(800),
            short_value=D(-200),
            maintenance=D(400),
            excess=D(600) - int(account.number[-2:]),
        )
    return made


def holdings():
    """Return by account its positions as (symbol, sector, value), each looked at on its own."""
    prices = dict(Quote.objects.values_list("instrument_id", "last"))
    found = defaultdict(list)
    for each in Position.objects.select_related("instrument"):
        price = prices[each.instrument_id]
        value = each.cost_basis if price is None else each.quantity * price
        found[each.account_id].append((each.instrument.symbol, each.instrument.sector, value))
    return found


def stood(account, values, cash, shock, sector):
    """Return (change, is called, deficit, loss) of one account."""
    moved = [v * (1 + shock) if sector in (None, s or "None") else v for _, s, v in values]
    equity, gross = cash + sum(moved), sum(abs(v) for v in moved)
    rate = D("0.4") if hasattr(account, "marginstatus") else D("0.30")
    deficit = max(gross * rate - equity, D(0)) if account.margin else D(0)
    change = sum(moved) - sum(v for *_, v in values)
    return change, deficit > 0, deficit, max(-equity, D(0))


def test_stress_is_what_each_account_by_itself_would_suffer(customers):
    cash = dict(Balance.objects.values_list("account_id", "amount"))
    held = holdings()
    now, stress = firm.stressed()
    assert len(stress) == 3 * (1 + len(crowd.SECTORS))
    for each in [now, *stress]:
        outcomes = [stood(a, held[a.pk], cash[a.pk], each.shock, each.sector) for a in customers]
        assert each.change == sum(o[0] for o in outcomes).quantize(CENT, ROUND_HALF_UP)
        assert each.calls == sum(o[1] for o in outcomes)
        assert abs(each.deficit - sum(o[2] for o in outcomes)) <= CENT
        assert each.loss == sum(o[3] for o in outcomes).quantize(CENT, ROUND_HALF_UP)
    assert any(each.loss > now.loss for each in stress)
    assert any(each.calls > now.calls for each in stress)


def test_exposure_is_added_up_by_symbol_with_what_has_no_price_at_cost(customers):
    by_symbol = defaultdict(list)
    for values in holdings().values():
        for symbol, _, value in values:
            by_symbol[symbol].append(value)
    found = firm.exposures()
    assert {each.symbol for each in found} == set(by_symbol)
    for each in found:
        values = by_symbol[each.symbol]
        assert each.long == sum((v for v in values if v > 0), D(0))
        assert each.short == sum((v for v in values if v < 0), D(0))
        assert each.accounts == len(values)
    assert [each.gross for each in found] == sorted((e.gross for e in found), reverse=True)


def test_totals_are_those_of_all_customers(customers):
    values = [v for held in holdings().values() for *_, v in held]
    cash = list(Balance.objects.values_list("amount", flat=True))
    found = firm.totals()
    assert found.accounts == 90
    assert (found.cash, found.debit) == (
        sum(c for c in cash if c > 0),
        -sum(c for c in cash if c < 0),
    )
    assert found.equity == sum(cash) + sum(values)
    assert found.unpriced == Position.objects.filter(instrument__symbol="S07").count()


def test_the_largest_positions_with_their_share_of_account_and_symbol(customers):
    found = firm.concentrations()
    everything = [v for held in holdings().values() for *_, v in held]
    assert len(found) == firm.ROWS_MAX
    assert found[0].value in (max(everything, key=abs), -max(everything, key=abs))
    of_symbol = [abs(v) for h in holdings().values() for s, _, v in h if s == found[0].symbol]
    assert found[0].of_symbol == (abs(found[0].value) / sum(of_symbol)).quantize(D("0.000001"))


def test_the_accounts_nearest_to_a_call_come_first(customers):
    found = firm.nearest()
    assert len(found) == 8
    assert [each.excess for each in found] == sorted(each.excess for each in found)
    assert found[0].distance == found[0].excess / 1_000


def test_without_customers_everything_is_nothing():
    found = firm.firm_risk()
    assert found.totals == firm.Totals(0, D(0), D(0), D(0), D(0), D(0), 0)
    assert (found.exposures, found.concentrations, found.nearest, found.stress) == ([], [], [], [])
    assert (found.now.calls, found.now.deficit, found.now.loss) == (0, D(0), D(0))
