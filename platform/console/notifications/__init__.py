"""Notices: what a person was told."""
