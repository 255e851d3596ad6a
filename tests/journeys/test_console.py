"""The whole journey in a real browser, through real processes, within the click budgets of the flows."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.gateway.replay import Replay
from tests.journeys.browser import Person
from tests.journeys.people import person
from tests.journeys.product import Product, until

pytestmark = pytest.mark.browser

DOCUMENT = """openapi: 3.1.0
info:
  title: Parcels
  version: 1.0.0
  description: Where a parcel is.
paths:
  /orders:
    get:
      operationId: listParcels
      summary: List parcels
      responses:
        "200":
          description: The parcels.
"""


@pytest.fixture(scope="module")
def admin(browser: Browser, product: Product) -> Iterator[Person]:
    someone = person(browser, product)
    someone.sign_in(**product.ready["admin"])
    yield someone
    assert someone.complaints == []


@pytest.fixture(scope="module")
def developer(browser: Browser, product: Product) -> Iterator[Person]:
    someone = person(browser, product)
    someone.sign_in(**product.ready["developer"])
    yield someone
    assert someone.complaints == []


def test_flow_a_a_newcomer_makes_the_first_call(browser: Browser, product: Product, admin: Person) -> None:
    admin.open("/teams/new")
    admin.fill("Name", "Parcels team")
    admin.fill("Required approvals", "0")
    admin.fill("Minimum notice days", "0")
    admin.click("Create team")
    expect(admin.page.get_by_role("heading", name="Next steps")).to_be_visible()
    admin.open("/teams/parcels-team/members")
    admin.fill("E-mail addresses", "new.person@example.com")
    admin.click("Send invitations")
    link = admin.page.locator(".gh-box-success code").first.inner_text()

    someone = person(browser, product)
    someone.page.goto(link)
    someone.fill("Name", "New Person")
    someone.fill("Password", "a long enough word")
    someone.click("Join Parcels team")
    someone.page.context.clear_cookies()
    with someone.budget(screens=3, clicks=4):
        someone.sign_in("new.person@example.com", "a long enough word")
        someone.click("Make your first call", role="link")
        someone.click("Get a key")
        expect(someone.page.locator("#revealed-key")).to_contain_text("gh_live_")
        expect(someone.page.locator("#revealed-curl")).to_contain_text("gh_live_")
        # Leaving without copying would ask; the try-it form stands below on the same page.
        someone.page.locator("[data-key-reveal]").evaluate("box => { box.dataset.copied = '1' }")
        someone.click("Send")
        expect(someone.page.locator("#response")).to_contain_text("200")
        expect(someone.page.locator("#response")).to_contain_text("calls left this minute")
    call = someone.page.locator("#response a").last.inner_text()

    def explained() -> bool:
        someone.page.goto(f"{product.console}/calls/{call}")
        return "try-it" in someone.page.locator("main").inner_text().lower()

    until(explained)
    someone.complaints = [text for text in someone.complaints if f"/calls/{call}" not in text]
    assert someone.complaints == []


def test_an_api_is_created_from_a_document_and_published(admin: Person, upstream_url: str, product: Product) -> None:
    admin.open("/workspace/new")
    admin.page.get_by_label("Team").select_option("parcels-team")
    admin.fill("OpenAPI document optional", "openapi: 3.1.0\ninfo: {title: x")
    admin.click("Create draft")
    expect(admin.page.get_by_role("alert")).to_contain_text("line 3")
    admin.complaints.clear()  # The browser itself reports the 422 as an error.
    admin.fill("OpenAPI document optional", DOCUMENT)
    admin.fill("Upstream base URL optional", upstream_url)
    admin.click("Create draft")
    admin.click("Publish v1", role="link")
    expect(admin.page.get_by_role("heading", name="Who is hit")).to_be_visible()
    admin.click("Publish v1")
    expect(admin.page.locator("#rollout")).to_contain_text("Applied on 2 of 2 workers")
    assert httpx.get(f"{product.gateway}/parcels-team/parcels/v1/orders").status_code == 401


def test_flow_e_a_developer_finds_subscribes_and_copies_a_key(developer: Person, product: Product) -> None:
    with developer.budget(screens=2, clicks=4):
        developer.page.keyboard.press("/")
        developer.page.keyboard.type("parcels")
        developer.page.keyboard.press("Enter")
        developer.page.wait_for_url("**/search?**")
        developer.see()
        developer.click("Parcels", role="link")
        developer.click("Subscribe", role="link")
        panel = developer.page.locator("#panel")
        expect(panel.get_by_role("heading", name="Subscribe to Parcels v1")).to_be_visible()
        developer.click("Subscribe", within=panel)
        expect(panel.locator("#revealed-key")).to_contain_text("gh_live_")
        key = panel.locator("#revealed-key").inner_text()
        developer.click("Copy", within=panel)
    path = f"{product.gateway}/parcels-team/parcels/v1/orders"
    assert httpx.get(path, headers={"x-api-key": key}).status_code == 200


def test_flow_d_a_prompt_becomes_an_api(admin: Person, product: Product) -> None:
    with admin.budget(screens=4, clicks=4):
        admin.open("/ai/prompts")
        admin.click("New prompt", role="link")
        admin.page.get_by_label("Team").select_option("parcels-team")
        admin.fill("Name", "Say it short")
        admin.fill("Template", "Say in three words: {{text}}")
        expect(admin.page.get_by_label("Type of text")).to_be_visible()
        admin.page.locator("#argument-text").fill("Good morning to everybody")
        admin.click("Run")
        expect(admin.page.locator("#run")).to_contain_text("tokens", timeout=60_000)
        admin.click("Publish as API")
        admin.click("Publish")
        expect(admin.page.get_by_role("heading", name="Say it short")).to_be_visible()
    answer = httpx.post(f"{product.gateway}/parcels-team/say-it-short/v1/run", json={"text": "x"})
    assert answer.status_code == 401


def test_a_provider_is_added_by_fields_and_its_key_is_never_shown(admin: Person, replay: Replay) -> None:
    admin.open("/ai/providers/new")
    admin.fill("Name", "Second replay")
    admin.fill("Base URL", replay.base_url)
    admin.fill("API key optional", "sk-second-secret-9876")
    admin.fill("Models optional", "chat")
    admin.click("Add provider")
    expect(admin.page.get_by_text("second-replay/chat")).to_be_visible()
    assert "sk-second-secret" not in admin.page.content()


def test_usage_shows_on_the_apis_page_and_a_refusal_is_explained(admin: Person, product: Product) -> None:
    refused = httpx.get(f"{product.gateway}/parcels-team/parcels/v1/orders", headers={"x-api-key": "gh_live_wrong"})

    def counted() -> bool:
        admin.page.goto(f"{product.console}/workspace/parcels-team/parcels/v1/callers")
        return admin.page.get_by_role("cell", name="Demo application").or_(
            admin.page.get_by_role("rowheader", name="Demo application")
        ).count() > 0  # fmt: skip

    until(counted, seconds=60)
    admin.open("/workspace/parcels-team/parcels/v1/usage")
    admin.open("/usage/costs")
    admin.open(f"/calls/{refused.headers['x-request-id']}")
    expect(admin.page.locator("main")).to_contain_text("key")
    admin.open("/problems/key-invalid")


def type_document(who: Person, text: str) -> None:
    """Replace the document in the editor as a person does."""
    who.page.locator(".cm-content").click()
    who.page.keyboard.press("Control+A")
    who.page.keyboard.insert_text(text)
    # Chromium wraps much text that is put in at once into styled spans, which the policy refuses and the editor drops.
    who.complaints = [text for text in who.complaints if "/design: Applying inline style" not in text]


def test_flow_b_a_change_becomes_the_next_revision_or_the_next_version(admin: Person, product: Product) -> None:
    address = f"{product.gateway}/parcels-team/parcels"
    assert httpx.get(f"{address}/v1/late").status_code == 404
    late = DOCUMENT.replace(
        "  /orders:", '  /late:\n    get:\n      responses: {"200": {description: Late ones.}}\n  /orders:'
    )
    with admin.budget(screens=4, clicks=3):
        admin.open("/workspace/parcels-team/parcels/v1")
        admin.click("Edit")
        type_document(admin, late)
        admin.click("Continue")
        expect(admin.page.locator("main")).to_contain_text("It becomes revision 2 of v1.")
        admin.click("Publish revision 2")
    expect(admin.page.locator("#rollout")).to_contain_text("Applied on 2 of 2 workers")
    assert httpx.get(f"{address}/v1/late").status_code == 401
    with admin.budget(screens=4, clicks=3):
        admin.open("/workspace/parcels-team/parcels/v1")
        admin.click("Edit")
        type_document(admin, late.replace("  /orders:", "  /parcels:"))
        admin.click("Continue")
        expect(admin.page.locator("main")).to_contain_text("so this becomes the next version")
        admin.click("Publish v2")
    assert httpx.get(f"{address}/v2/parcels").status_code == 401
    assert httpx.get(f"{address}/v2/orders").status_code == 404
    assert httpx.get(f"{address}/v1/orders").status_code == 401
    admin.open("/workspace/parcels-team/parcels/v1/revisions/1/roll-back")
    admin.click("Roll back to revision 1")
    expect(admin.page.locator("#rollout")).to_contain_text("Applied on 2 of 2 workers")
    assert httpx.get(f"{address}/v1/late").status_code == 404


def test_flow_c_deprecating_takes_two_clicks_and_shows_in_headers(admin: Person, product: Product) -> None:
    with admin.budget(screens=3, clicks=2):
        admin.open("/workspace/parcels-team/parcels/v1")
        admin.click("Deprecate v1", role="link")
        admin.fill("Reason optional", "Orders has it all")
        admin.click("Deprecate v1")
    expect(admin.page.get_by_text("Deprecated").first).to_be_visible()
    answer = httpx.get(f"{product.gateway}/parcels-team/parcels/v1/orders")
    assert answer.headers["deprecation"].startswith("@")


def test_flow_c_retiring_early_asks_for_a_reason_and_the_name(admin: Person, product: Product) -> None:
    with admin.budget(screens=3, clicks=2):
        admin.open("/workspace/parcels-team/parcels/v1")
        admin.click("Retire v1", role="link")
        admin.fill("Reason", "Nobody needs it")
        admin.fill("Type the version's name", "parcels/v1")
        admin.page.locator("main form .btn-danger").click()
        admin.clicks += 1
        admin.page.wait_for_url("**/parcels/v1?done=retire")
        admin.see()
    expect(admin.page.locator("#probe")).to_contain_text("410 Gone")
    assert httpx.get(f"{product.gateway}/parcels-team/parcels/v1/orders").status_code == 410


def test_the_audit_log_and_the_gateways_tell_it_all(admin: Person) -> None:
    admin.open("/admin/audit?size=100")
    for verb in ("version.retire", "version.deprecate", "provider.create", "prompt.publish"):
        expect(admin.page.get_by_role("cell", name=verb).first).to_be_visible()
    admin.open("/admin/gateways")
    expect(admin.page.locator("#nodes")).to_contain_text("Both workers run generation")
