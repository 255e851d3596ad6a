"""The REST API of usage."""
