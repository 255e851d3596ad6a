"""Pages of the place home."""
