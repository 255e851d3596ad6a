"""Rulesets in Spectral's format: read, checked, and run as rules of lint. Pure, no JavaScript."""
