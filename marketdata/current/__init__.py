"""The market as it is now, as this process has it or can ask for it in one go."""
