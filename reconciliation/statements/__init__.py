"""Statements of account: confirmations, days, months and tax years, as they were and stay."""
