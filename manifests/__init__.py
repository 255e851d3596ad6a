"""Objects as declarative manifests: read, planned, applied, written out."""
