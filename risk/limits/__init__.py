"""Which limits hold, and who may change them."""
