"""Prompt templates and their versions, encapsulated into APIs."""
