"""Which ticks are believed, and of whom."""
