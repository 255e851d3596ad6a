"""Pages of the place catalog."""
