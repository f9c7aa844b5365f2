"""What is unusual or deceives, found after the trade, and the queue in which people work it."""
