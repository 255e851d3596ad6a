"""The REST API of gateway/control."""
