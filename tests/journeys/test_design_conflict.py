"""Two people at two browsers edit one design: the outline leads, and neither loses what they wrote."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import Person
from tests.journeys.product import Product
from tests.journeys.test_pages import AXE, RULES

pytestmark = pytest.mark.browser

URL = "/workspace/demo/pallets/v1/design"
DOCUMENT = """openapi: 3.1.0
info:
  title: Pallets
  version: 1.0.0
  description: Where a pallet is.
paths:
  /pallets:
    get:
      operationId: listPallets
      summary: List pallets
      responses:
        "200":
          description: The pallets.
  /docks:
    get:
      operationId: listDocks
      responses:
        "200":
          description: The docks.
"""


@pytest.fixture(scope="module")
def design(product: Product) -> str:
    headers = {"authorization": f"Bearer {product.ready['api_token']}"}
    with httpx.Client(base_url=f"{product.console}/api/v1/", headers=headers, timeout=60) as rest:
        team = next(row for row in rest.get("teams").json()["results"] if row["slug"] == "demo")
        body = {"team": team["id"], "name": "Pallets", "source": DOCUMENT, "upstream_url": "http://127.0.0.1:9"}
        assert rest.post("imports", json=body).status_code in (201, 202)
    return URL


def change(page: Page, before: str, after: str) -> None:
    """Write something else in the place of a text, as a person does: go to its line and type."""
    text = page.locator("#id_source").input_value()
    line = text[: text.index(before)].count("\n") + 1
    page.evaluate("line => document.querySelector(`[data-line='${line}']`)?.click()", line)
    page.locator(".cm-line", has_text=before).click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(after)


def open_design(browser: Browser, product: Product, who: str, design: str) -> Person:
    someone = Person(browser.new_context(viewport={"width": 1280, "height": 800}).new_page(), product.console)
    someone.sign_in(**product.ready[who])
    someone.open(design)
    return someone


def test_what_both_wrote_is_in_the_design_in_the_end(browser: Browser, product: Product, design: str) -> None:
    ada, ben = (open_design(browser, product, who, design) for who in ("admin", "developer"))

    outline = ada.page.get_by_role("region", name="Outline")
    ada.page.get_by_label("Filter the outline").fill("docks")
    expect(outline.get_by_role("button")).to_have_count(2)
    outline.get_by_role("button", name="GET /docks").click()
    expect(ada.page.locator(".cm-activeLine")).to_contain_text("get:")

    change(ben.page, "summary: List pallets", "summary: List every pallet")
    change(ben.page, "title: Pallets", "title: Pallets of Ben")
    ben.click("Continue")
    change(ada.page, "description: The docks.", "description: All docks.")
    change(ada.page, "title: Pallets", "title: Pallets of Ada")
    # The outline follows what is typed, under the filter that stands.
    change(ada.page, "/docks:", "/docks-and-gates:")
    expect(outline.get_by_role("button", name="GET /docks-and-gates")).to_be_visible()
    expect(outline.get_by_role("button")).to_have_count(2)
    ada.click("Continue")

    expect(ada.page.locator("main")).to_contain_text("saved this design")
    expect(ada.page.locator("main")).to_contain_text("Place 1 of 1, line 3 of yours")
    ada.page.evaluate(AXE.read_text())
    found = ada.page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)["violations"]
    assert [item["id"] for item in found if item["impact"] in ("serious", "critical")] == []
    ada.page.get_by_label("Mine", exact=True).check()
    ada.click("Save both together")

    ada.open(design)
    text = ada.page.locator("#id_source").input_value()
    for part in ("List every pallet", "All docks.", "/docks-and-gates:", "title: Pallets of Ada"):
        assert part in text
    assert "of Ben" not in text
    assert [text for text in [*ada.complaints, *ben.complaints] if "412" not in text] == []
