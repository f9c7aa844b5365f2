"""What surveillance reads of orders and trades, round by round."""
