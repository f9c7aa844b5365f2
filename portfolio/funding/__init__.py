"""Money on its way in and out."""
