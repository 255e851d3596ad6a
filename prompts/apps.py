"""App configuration of prompts."""

from typing import Any

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    """Prompts."""

    name = "prompts"

    def ready(self) -> None:
        """Answer what apis asks of prompts."""
        from apis import ports
        from apis.signals import api_transferred
        from prompts import selectors

        ports.prompt_of = selectors.prompt_of
        ports.prompts_behind = selectors.prompts_behind
        api_transferred.connect(move_prompts)


def move_prompts(api: Any, actor: Any, **_: Any) -> None:
    """Let the prompts behind an API follow it to its new team, in the same transaction."""
    from prompts.services.prompts import follow_api

    follow_api(api=api, actor=actor)
