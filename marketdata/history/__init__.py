"""What the market said before: trades and quotes as they came, and where the old ones lie."""
