"""Money that comes in and goes out: what changes the books besides fills and corporate actions."""

from __future__ import annotations

from portfolio.funding import UnableToDeposit as UnableToDeposit
from portfolio.funding import UnableToWithdraw as UnableToWithdraw
from portfolio.funding import deposit as deposit
from portfolio.funding import expect_deposit as expect_deposit
from portfolio.funding import request_withdrawal as request_withdrawal
