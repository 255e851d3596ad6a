"""Pages of the place workspace."""
