"""A provider with a model, and what providers tells the gateway."""

import pytest


@pytest.fixture
def provider(admin):
    from providers.services.providers import create_provider

    return create_provider(
        name="Local",
        slug="local",
        base_url="http://127.0.0.1:9/v1",
        secret="sk-first-secret",
        models=["m"],
        actor=admin,
    )


@pytest.fixture
def model(provider):
    return provider.models.get()


@pytest.fixture
def told():
    """Record which signals are sent, by name."""
    from providers import signals

    seen: list[str] = []
    names = ("provider_changed", "provider_key_changed", "model_changed", "alias_changed")
    receivers = {}
    for name in names:

        def receive(sender, _name=name, **sent):
            seen.append(_name)

        receivers[name] = receive
        getattr(signals, name).connect(receive, weak=False)
    yield seen
    for name, receive in receivers.items():
        getattr(signals, name).disconnect(receive)
