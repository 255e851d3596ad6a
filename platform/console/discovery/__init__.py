"""What machines find: the api-catalog of RFC 9727."""
