"""What a margin account must have of its own, and what follows when it has not."""
