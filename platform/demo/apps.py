"""App configuration of the demo: it has no models."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo."""

    name = "demo"
