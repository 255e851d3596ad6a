"""App configuration of providers."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """Providers."""

    name = "providers"
