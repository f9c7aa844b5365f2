"""What ends or keeps back orders by rule: switches, runaway orders, overdue margin calls."""
