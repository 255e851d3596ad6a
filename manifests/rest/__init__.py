"""The REST API of manifests."""
