"""How well it goes, measured all the time and shown to everybody: `/status`."""
