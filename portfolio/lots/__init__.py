"""Tax lots: what a purchase cost, which of it a sale closes, and what tax makes of that."""
