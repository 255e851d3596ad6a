"""Every page of the sitemap, wide and light, narrow and dark: nothing serious from axe, no complaint of the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.journeys.browser import Person
from tests.journeys.product import Product

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / ".build" / "test" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ORDERS = "/workspace/demo/orders"
PAGES = (
    "/", "/catalog", "/catalog/demo/orders", "/catalog/demo/orders/v1/docs", "/catalog/demo/orders/v1/docs/listOrders",
    "/catalog/demo/orders/v1/plans", "/catalog/demo/orders/v1/subscribe", "/catalog/demo/orders/versions",
    "/applications", "/applications/new", "/account", "/account/tokens", "/search?q=orders", "/workspace",
    "/manifests", "/manifests/new",
    "/account/security", "/account/confirm", "/admin/sign-in", "/admin/sign-in/new",
    "/workspace/new", "/workspace/new?from=form", "/workspace/reviews", "/workspace/subscriptions", ORDERS,
    f"{ORDERS}/v1", f"{ORDERS}/v1/design", f"{ORDERS}/v1/callers", f"{ORDERS}/v1/usage", f"{ORDERS}/v1/deprecate",
    f"{ORDERS}/v1/revisions", f"{ORDERS}/v1/revisions/1/diff", f"{ORDERS}/v1/revisions/1/roll-back", "/help/changes",
    "/catalog/demo/orders/v1/changelog", "/catalog/graph", "/catalog/graph?api=demo/orders&near=1",
    f"{ORDERS}/v1/block",
    f"{ORDERS}/plans", f"{ORDERS}/subscriptions", f"{ORDERS}/sharing", f"{ORDERS}/settings", "/ai/models",
    f"{ORDERS}/transfer",
    "/ai/providers", "/ai/providers/new", "/ai/providers/demo", "/ai/models/demo/smollm2-135m", "/ai/prompts",
    "/ai/prompts/new", "/ai/prompts/demo/translate", "/ai/prompts/demo/translate/publish", "/usage", "/usage/costs",
    "/teams", "/teams/new", "/teams/demo", "/teams/demo/members", "/teams/demo/settings", "/teams/demo/webhooks",
    "/notifications", "/help/events", "/help/lint", "/admin/lint", "/teams/demo/lint", f"{ORDERS}/v1/lint",
    f"{ORDERS}/v1/environments", "/admin/environments", f"{ORDERS}/v1/overlays", f"{ORDERS}/v1/overlays/new",
    "/admin/lint/ruleset", "/teams/demo/lint/ruleset",
    f"{ORDERS}/v1/lint/info-contact/waive", "/catalog/collections/new", f"{ORDERS}/v1/callers/write", "/admin/gateways",
    "/admin/audit", "/admin/audit/chain", "/admin/users", "/admin/roles", "/admin/roles/new",
    "/teams/demo/roles", "/teams/demo/roles/new", "/teams/demo/place", "/admin/gallery",
    "/problems", "/problems/quota-exceeded",
)  # fmt: skip


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark")], ids=["wide-light", "narrow-dark"])
def admin(request: Any, browser: Browser, product: Product) -> Iterator[Person]:
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.add_cookies([{"name": "theme", "value": theme, "url": product.console}])
    someone = Person(context.new_page(), product.console)
    someone.sign_in(**product.ready["admin"])
    yield someone
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_clean(admin: Person, product: Product, path: str) -> None:
    admin.complaints.clear()
    answer = admin.page.goto(f"{product.console}{path}")
    assert answer is not None
    assert answer.status == 200
    assert admin.complaints == []
    page = admin.page
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), "it scrolls sideways"
    if path != "/admin/gallery":
        filled = page.locator("main .btn-primary:visible, main .btn-danger:visible").count()
        assert filled <= 1, f"{filled} filled buttons"
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)["violations"]
    serious = [(item["id"], item["nodes"][0]["html"]) for item in found if item["impact"] in ("serious", "critical")]
    assert serious == []
