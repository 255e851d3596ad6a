"""Pages of the place applications."""
