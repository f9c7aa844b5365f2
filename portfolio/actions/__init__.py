"""Corporate actions: announced, approved, carried out account by account."""
