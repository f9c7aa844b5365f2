"""Everything about one customer on one page: a table for each subject, and the way to the rest."""
