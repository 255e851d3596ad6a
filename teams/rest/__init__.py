"""The REST API of teams."""
