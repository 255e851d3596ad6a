"""Pages of the place ai."""
