"""The place of manifests."""
