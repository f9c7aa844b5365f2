"""The way in: tickets, decided and written in one transaction."""
