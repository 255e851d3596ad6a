"""The checks a call passes, in the order of DESIGN's refusals: key_auth, access, limits."""
