"""Executions and resting orders of people who may mean to deceive."""

import uuid
from datetime import timedelta
from decimal import Decimal

from risk.surveillance.executed import Execution
from risk.surveillance.manipulation import Resting
from tests import flow

D = Decimal


MINE, MY_OTHER, THEIRS = (uuid.UUID(int=n) for n in (1, 2, 3))


ME, THEM, PAPER = (uuid.UUID(int=n) for n in (11, 12, 13))


AT = flow.OPENS + timedelta(hours=1)


def execution(number, sign, *, quantity=100, price="100.00", after=0.0, account=MINE, owner=ME):
    return Execution(
        trade_id=uuid.UUID(int=number),
        order_id=uuid.UUID(int=10_000 + number),
        account_id=account,
        owner=owner,
        instrument_id=PAPER,
        symbol="AAPL",
        sign=sign,
        quantity=D(quantity),
        price=D(price),
        at=AT + timedelta(seconds=after),
    )


def resting(number, *, sign=1, price="99.90", quantity=100, entered=-10.0, cancelled=5.0, **more):
    return Resting(
        **{
            "order_id": uuid.UUID(int=20_000 + number),
            "account_id": MINE,
            "owner": ME,
            "instrument_id": PAPER,
            "symbol": "AAPL",
            "sign": sign,
            "quantity": D(quantity),
            "price": D(price),
            "filled_quantity": D(0),
            "placed_at": AT + timedelta(seconds=entered),
            "cancelled_at": None if cancelled is None else AT + timedelta(seconds=cancelled),
            **more,
        }
    )
