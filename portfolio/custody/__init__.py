"""Coins on their way out: who sends them, and what has become of them."""
