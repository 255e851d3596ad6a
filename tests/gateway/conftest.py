"""The real upstream and the real worker of the wire ring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.upstream import Upstream


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
