"""Money that comes in and goes out: what changes the books besides fills and corporate actions."""

from __future__ import annotations

from portfolio.funding.services import UnableToDeposit as UnableToDeposit
from portfolio.funding.services import UnableToWithdraw as UnableToWithdraw
from portfolio.funding.services import deposit as deposit
from portfolio.funding.services import expect_deposit as expect_deposit
from portfolio.funding.services import request_withdrawal as request_withdrawal
