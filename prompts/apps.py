"""App configuration of prompts."""

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    """Prompts."""

    name = "prompts"
