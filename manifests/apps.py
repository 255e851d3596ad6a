"""App configuration of manifests."""

from django.apps import AppConfig


class ManifestsConfig(AppConfig):
    """Manifests."""

    name = "manifests"
