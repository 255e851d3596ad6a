"""The REST API of prompts."""
