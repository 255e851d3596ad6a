"""Pages of the place admin."""
