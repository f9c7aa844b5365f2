"""What an account is worth, now and in the course of time."""
