"""Answers of APIs that are not there yet."""
