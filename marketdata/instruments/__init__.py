"""What is traded: its list, its names in the course of time, its terms, its habits."""
