"""The whole life of one API as its publisher lives it: from the first draft to the tombstone, and back."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browser import Person
from tests.journeys.people import invited, make_team, person
from tests.journeys.product import Product
from tests.journeys.test_console import type_document

pytestmark = pytest.mark.browser

CRATES = """openapi: 3.1.0
info:
  title: Crates
  version: 1.0.0
  description: Where a crate is.
paths:
  /orders:
    get:
      operationId: listCrates
      summary: List crates
      responses:
        "200":
          description: The crates.
"""
LATE = CRATES.replace(
    "  /orders:", '  /slow:\n    get:\n      responses:\n        "200":\n          description: Late.\n  /orders:'
)
MOVED = LATE.replace("  /orders:", "  /crates:")
V1 = "/workspace/crates-team/crates/v1"


@pytest.fixture(scope="module")
def admin(browser: Browser, product: Product) -> Iterator[Person]:
    someone = person(browser, product)
    someone.sign_in(**product.ready["admin"])
    make_team(someone, "Crates team", Required_approvals="1", Minimum_notice_days="0")
    yield someone
    assert someone.complaints == []


@pytest.fixture(scope="module")
def publisher(admin: Person, browser: Browser, product: Product) -> Iterator[Person]:
    someone = invited(admin, browser, product, team="Crates team", email="pia.publisher@example.com", role="publisher")
    yield someone
    assert someone.complaints == []


@pytest.fixture(scope="module")
def reviewer(admin: Person, browser: Browser, product: Product) -> Iterator[Person]:
    someone = invited(admin, browser, product, team="Crates team", email="rhea.review@example.com", role="publisher")
    yield someone
    assert someone.complaints == []


def approve(reviewer: Person, waits: str) -> None:
    reviewer.open("/")
    reviewer.click(waits, role="link")
    reviewer.click("Approve")


def status(product: Product, path: str, key: str = "") -> int:
    headers = {"x-api-key": key} if key else {}
    return httpx.get(f"{product.gateway}/crates-team/crates/{path}", headers=headers).status_code


def test_an_api_lives_from_design_to_retirement_and_is_brought_back(
    publisher: Person, reviewer: Person, product: Product, upstream_url: str
) -> None:
    publisher.open("/workspace/new")
    publisher.page.get_by_label("Team").select_option("crates-team")
    publisher.fill("OpenAPI document optional", CRATES)
    publisher.fill("Upstream base URL optional", upstream_url)
    publisher.click("Create draft")
    assert status(product, "v1/orders") == 404

    # Review: nobody publishes alone here.
    publisher.click("Send for review", role="link")
    publisher.click("Send v1 for review")
    expect(publisher.page.get_by_text("In review").first).to_be_visible()
    approve(reviewer, "Review Crates v1, revision 1")

    publisher.open(V1)
    publisher.click("Publish v1", role="link")
    publisher.click("Publish v1")
    expect(publisher.page.locator("#rollout")).to_contain_text("Applied on 2 of 2 workers")
    publisher.open("/catalog/crates-team/crates/v1/docs/listCrates")
    publisher.click("Get a key")
    key = publisher.page.locator("#revealed-key").inner_text()
    publisher.page.locator("[data-key-reveal]").evaluate("box => { box.dataset.copied = '1' }")
    assert status(product, "v1/orders", key) == 200

    # What callers do not notice becomes the next revision.
    publisher.open(V1)
    publisher.click("Edit")
    type_document(publisher, LATE)
    publisher.click("Continue")
    publisher.click("Send for review")
    assert status(product, "v1/slow", key) == 404
    approve(reviewer, "Review Crates v1, revision 2")
    publisher.open(f"{V1}/revisions/2/release")
    publisher.click("Publish revision 2")
    expect(publisher.page.locator("#rollout")).to_contain_text("Applied on 2 of 2 workers")
    assert status(product, "v1/slow", key) == 200

    # What would break them becomes the next version.
    publisher.open(V1)
    publisher.click("Edit")
    type_document(publisher, MOVED)
    publisher.click("Continue")
    expect(publisher.page.locator("main")).to_contain_text("so this becomes the next version")
    publisher.page.locator("main form .btn-primary").click()
    publisher.page.wait_for_url("**/crates/v2**")
    publisher.see()
    publisher.open("/workspace/crates-team/crates/v2")
    if publisher.page.get_by_role("link", name="Send for review").count():
        publisher.click("Send for review", role="link")
        publisher.click("Send v2 for review")
    approve(reviewer, "Review Crates v2, revision 1")
    publisher.open("/workspace/crates-team/crates/v2")
    publisher.click("Publish v2", role="link")
    publisher.click("Publish v2")
    expect(publisher.page.locator("#rollout")).to_contain_text("Applied on 2 of 2 workers")
    assert status(product, "v2/orders", key) in (403, 404)
    assert status(product, "v1/orders", key) == 200

    # The end of v1, with its successor named.
    publisher.open(V1)
    publisher.click("Deprecate v1", role="link")
    publisher.page.get_by_label("Successor optional").select_option(label="Crates v2")
    publisher.click("Deprecate v1")
    answer = httpx.get(f"{product.gateway}/crates-team/crates/v1/orders", headers={"x-api-key": key})
    assert answer.status_code == 200
    assert {"deprecation", "sunset"} <= set(answer.headers)

    publisher.open(V1)
    publisher.click("Retire v1", role="link")
    retire = publisher.page.locator("main form .btn-danger")
    publisher.fill("Reason", "Nobody needs it")
    publisher.fill("Type the version's name", "crates/v2")
    retire.click()
    expect(publisher.page.get_by_text("Type crates/v1 to retire it now.").first).to_be_visible()
    publisher.complaints.clear()  # The browser itself reports the 422 as an error.
    publisher.fill("Type the version's name", "crates/v1")
    retire.click()
    publisher.page.wait_for_url("**/crates/v1?done=retire")
    expect(publisher.page.locator("#probe")).to_contain_text("410 Gone")
    publisher.see()
    assert status(product, "v1/orders", key) == 410
    publisher.open("/catalog/crates-team/crates/versions")

    # And back, with the subscription that its end had ended.
    publisher.open(V1)
    publisher.click("Restore v1", role="link")
    publisher.click("Restore v1")
    expect(publisher.page.get_by_text("Deprecated").first).to_be_visible()
    assert status(product, "v1/orders", key) == 200
