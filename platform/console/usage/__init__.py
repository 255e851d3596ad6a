"""Pages of the place usage."""
