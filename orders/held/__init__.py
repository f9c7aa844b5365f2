"""Orders that we hold until the market or the time comes."""
