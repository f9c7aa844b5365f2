"""What whoever watches the program reads: `/metrics`, as docs/monitoring.md describes it."""
