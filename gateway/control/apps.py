"""App configuration of the gateway's control side."""

from django.apps import AppConfig


class GatewayControlConfig(AppConfig):
    """The changelog and the nodes. The app's label is `gateway`."""

    name = "gateway.control"
    label = "gateway"

    def ready(self) -> None:
        """Connect the lower apps' signals to the changelog."""
        from gateway.control import receivers

        receivers.connect()
