"""Prices of others: a provider's stream followed as a client, and what it missed asked for."""
