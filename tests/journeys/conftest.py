from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.gateway.replay import Replay
from tests.journeys.product import Product


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The product, started once for all journeys."""
    started = Product()
    yield started
    assert started.stop() == 0
    assert not (started.home / "ready.json").exists()
    shutil.rmtree(started.home)


@pytest.fixture(scope="session")
def replay() -> Iterator[Replay]:
    """An OpenAI-compatible provider that replays hand-written answers."""
    provider = Replay()
    provider.start()
    yield provider
    provider.stop()
