from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import transaction

from gateway.control.changelog import record_changes
from gateway.control.models import Worker
from gateway.dataplane.keys import derive_key, hash_key, mint_key
from gateway.dataplane.records import UpstreamRecord
from tests.gateway.conftest import open_budgets
from tests.gateway.node.process import NodeProcess
from tests.gateway.worker import credential, plan, route, subscription


@pytest.fixture
def start_node(transactional_db, tmp_path: Path) -> Iterator[Callable[..., NodeProcess]]:
    """Start nodes on the test's database; each is stopped at the end."""
    started: list[NodeProcess] = []

    def start(**options) -> NodeProcess:
        started.append(NodeProcess(tmp_path, **options))
        return started[-1]

    yield start
    for node in started:
        node.stop()


@pytest.fixture
def published(transactional_db, upstream) -> str:
    """Write one published API with a subscribed key to the changelog, with nothing counted yet; return the key."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as store:
        store.flushdb()
    open_budgets(os.environ["REDIS_URL"])
    key = mint_key()
    pepper = derive_key(settings.MASTER_KEY, "pepper")
    with transaction.atomic():
        record_changes(
            [
                ("route", "ver_1", route()),
                ("upstream", "ver_1", UpstreamRecord(base_url=upstream.url)),
                ("plan", "plan_free", plan()),
                ("subscription", "sub_1", subscription()),
                ("credential", "key_1", credential(key, hash=hash_key(key, pepper))),
            ]
        )
    return key


def all_applied(generation: int, workers: int = 2) -> bool:
    """Say whether the given number of workers reported a generation."""
    return Worker.objects.filter(generation__gte=generation).count() == workers
