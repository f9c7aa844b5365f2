"""What stops trading: switches, and clocks that are wrong."""
