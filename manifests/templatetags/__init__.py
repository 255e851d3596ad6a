"""Template tags of manifests."""
