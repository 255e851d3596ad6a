"""A prompt, and a provider that replays hand-written answers: the model's name says which."""

from collections.abc import Callable

import pytest

from tests.gateway.replay import Replay

ANSWERS = ("chat", "json-output", "json-output-invalid", "unauthorized", "not-json", "without-usage")


@pytest.fixture(scope="session")
def replay():
    made = Replay()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def provider(admin, replay):
    from providers.services.providers import create_provider

    return create_provider(
        name="Replay", slug="replay", base_url=replay.base_url, secret="sk-replay-1", models=ANSWERS, actor=admin
    )


@pytest.fixture
def make_prompt(team, developer, provider) -> Callable:
    """Return a maker of prompts."""
    from prompts.services.prompts import create_prompt

    def make(text="Say {{text}} in {{language}}", *, name="Translate", model="replay/chat", actor=developer, **more):
        return create_prompt(team=team, name=name, text=text, model=model, actor=actor, **more)

    return make


@pytest.fixture
def prompt(make_prompt):
    return make_prompt()


@pytest.fixture
def version(prompt):
    return prompt.versions.get()
