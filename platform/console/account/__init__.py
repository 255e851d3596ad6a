"""Pages of the place account."""
