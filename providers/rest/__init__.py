"""The REST API of providers."""
