"""What trades are charged."""
