"""`./run bench`: our gateway beside others, on the same upstream, in the same rounds."""
