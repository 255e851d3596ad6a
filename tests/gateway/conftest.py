"""The real upstream and the real worker of the wire ring."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis

from tests.gateway.upstream import Upstream


def open_budgets(url: str) -> None:
    """Say, as the control plane does, that what was spent stands in the store."""
    with redis.Redis.from_url(url) as store:
        store.set("gh:epoch", f"{store.info('server')['run_id']}:test")


@pytest.fixture(autouse=True)
def _budgets_are_open() -> None:
    open_budgets(os.environ["REDIS_URL"])


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    service = Upstream()
    service.start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def service() -> Iterator[Upstream]:
    """The same for a whole module, beside a worker that is started once."""
    made = Upstream()
    made.start()
    yield made
    made.stop()
