"""Pages of the place teams."""
