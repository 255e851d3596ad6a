"""The writes of manifests."""
