"""The words of an order's row as the members that they stand for.

Asking the enumeration itself (`Side("buy")`) costs ten times as much, several times an order.
"""

from __future__ import annotations

from typing import Final

from orders.lifecycle import Status
from risk.margin.requirements import Intent
from venues.messages import OrderType, Side, TimeInForce

SIDES: Final = {side.value: side for side in Side}
TYPES: Final = {type_.value: type_ for type_ in OrderType}
TIMES_IN_FORCE: Final = {each.value: each for each in TimeInForce}
INTENTS: Final = {intent.value: intent for intent in Intent}
STATUSES: Final = {status.value: status for status in Status}
