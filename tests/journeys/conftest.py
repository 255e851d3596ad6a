from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.gateway.replay import Replay
from tests.journeys.browser import open_browser
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; one at a time, and each file has its own."""
    with sync_playwright() as playwright:
        started = open_browser(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def upstream_url(product: Product) -> str:
    """Where the product's own sample service answers."""
    headers = {"authorization": f"Bearer {product.ready['api_token']}"}
    with httpx.Client(base_url=f"{product.console}/api/v1/", headers=headers) as rest:
        orders = next(row for row in rest.get("apis?q=orders").json()["results"] if row["slug"] == "orders")
        version = rest.get(f"apis/{orders['id']}/versions").json()["results"][0]
        return str(rest.get(f"versions/{version['id']}/revisions").json()["results"][0]["upstream_url"])
