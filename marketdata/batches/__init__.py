"""The rules for one tick, of whole batches in columns and at once."""
