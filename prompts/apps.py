"""App configuration of prompts."""

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    """Prompts."""

    name = "prompts"

    def ready(self) -> None:
        """Answer what apis asks of prompts."""
        from apis import ports
        from prompts import selectors

        ports.prompt_of = selectors.prompt_of
