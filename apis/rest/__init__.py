"""The REST API of apis."""
