"""A version is retired, and brought back, under the calls of a key that is subscribed to it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from apis.models import ApiVersion
from apis.services.contracts import create_api
from apis.services.deprecation import deprecate_version
from apis.services.documents import save_draft
from apis.services.keys import get_key
from apis.services.plans import update_plan
from apis.services.publishing import publish_version
from apis.services.retirement import restore_version, retire_version
from common.clock import now
from gateway.control.changelog import current_generation
from tests.gateway.node.conftest import all_applied

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1.0.0"},
        "paths": {"/things": {"get": {"summary": "List", "responses": {"200": {"description": "ok"}}}}},
    }
)


class Callers:
    """Threads that call one address on and on; `seen` has what each was answered, in its order."""

    def __init__(self, url: str, key: str, count: int = 6) -> None:
        self.is_over = threading.Event()
        self.seen: list[list[int | str]] = [[] for _ in range(count)]
        self.threads = [threading.Thread(target=self._call, args=(url, key, seen)) for seen in self.seen]
        for thread in self.threads:
            thread.start()

    def _call(self, url: str, key: str, seen: list[int | str]) -> None:
        # A connection each: it stays with its worker, so that what one caller sees is what one worker did.
        with httpx.Client(headers={"x-api-key": key}, timeout=10) as client:
            while not self.is_over.is_set():
                try:
                    seen.append(client.get(url).status_code)
                except httpx.HTTPError as error:
                    seen.append(repr(error))

    def have_all(self, status: int, times: int = 20) -> bool:
        """Say whether the last answers of each caller have been of one status."""
        return all(len(seen) >= times and set(seen[-times:]) == {status} for seen in self.seen)

    def stop(self) -> Counter[int | str]:
        self.is_over.set()
        for thread in self.threads:
            thread.join(20)
        return Counter(status for seen in self.seen for status in seen)


@pytest.fixture
def served(team, publisher, upstream) -> ApiVersion:
    api = create_api(team=team, kind="rest", name="Orders", actor=publisher)
    version = api.versions.get()
    save_draft(
        revision=version.revisions.get(), source=DOCUMENT, upstream_url=upstream.url, if_match="*", actor=publisher
    )
    # What is counted here is answers, not calls.
    update_plan(plan=api.plans.get(), limits=[], actor=publisher)
    return publish_version(version=version, actor=publisher)


def test_each_call_beside_a_retirement_is_answered_or_gone(start_node, served, publisher):
    key = get_key(version=served, actor=publisher).key
    node = start_node()
    node.wait_for(lambda: all_applied(current_generation()))
    callers = Callers(f"{node.url}{served.api.base_path}/v1/things", key)
    try:
        node.wait_for(lambda: callers.have_all(200))
        deprecate_version(version=served, sunset_at=now() + timedelta(days=1), actor=publisher, reason="Enough of it")
        retire_version(version=served, actor=publisher, override_reason="Now", typed_name="orders/v1")
        node.wait_for(lambda: callers.have_all(410))
        restore_version(version=served, actor=publisher)
        node.wait_for(lambda: callers.have_all(200))
    finally:
        counted = callers.stop()
    assert set(counted) == {200, 410}, counted
    for seen in callers.seen:
        # Served, gone, served again: on one connection nothing flickers between the two.
        turns = [status for place, status in enumerate(seen) if not place or status != seen[place - 1]]
        assert turns == [200, 410, 200]
