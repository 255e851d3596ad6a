"""Who judges others' work, and who looks at everything and touches nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browser import Person
from tests.journeys.people import invited, make_team, person
from tests.journeys.product import Product
from tests.journeys.test_console import DOCUMENT, type_document

pytestmark = pytest.mark.browser

BARRELS = DOCUMENT.replace("Parcels", "Barrels").replace("listParcels", "listBarrels")
V1 = "/workspace/barrels-team/barrels/v1"
CHECKED = "Errors are described"


@pytest.fixture(scope="module")
def admin(browser: Browser, product: Product) -> Iterator[Person]:
    someone = person(browser, product)
    someone.sign_in(**product.ready["admin"])
    make_team(someone, "Barrels team", Required_approvals="1", Review_checklist_optional=CHECKED)
    yield someone
    assert someone.complaints == []


@pytest.fixture(scope="module")
def author(admin: Person, browser: Browser, product: Product) -> Iterator[Person]:
    someone = invited(admin, browser, product, team="Barrels team", email="otto.author@example.com", role="publisher")
    yield someone
    assert someone.complaints == []


@pytest.fixture(scope="module")
def approver(admin: Person, browser: Browser, product: Product) -> Iterator[Person]:
    someone = invited(admin, browser, product, team="Barrels team", email="ada.approver@example.com", role="publisher")
    yield someone
    assert someone.complaints == []


@pytest.fixture(scope="module")
def auditor(admin: Person, browser: Browser, product: Product) -> Iterator[Person]:
    """Somebody of the demo's team no more: made auditor by the platform admin."""
    someone = invited(admin, browser, product, team="Barrels team", email="ines.auditor@example.com", role="viewer")
    admin.open("/admin/users?q=ines.auditor")
    admin.click("Ines Auditor", role="link")
    admin.page.locator("[name=platform_role]").select_option("auditor")
    admin.click("Save the role")
    yield someone
    assert someone.complaints == []


def test_an_approver_asks_for_changes_and_approves_what_was_mended(
    author: Person, approver: Person, upstream_url: str
) -> None:
    author.open("/workspace/new")
    author.page.get_by_label("Team").select_option("barrels-team")
    author.fill("OpenAPI document optional", BARRELS)
    author.fill("Upstream base URL optional", upstream_url)
    author.click("Create draft")
    author.click("Send for review", role="link")
    author.click("Send v1 for review")

    # The author has nothing to judge it with, on no page.
    author.open("/")
    expect(author.page.get_by_role("link", name="Review Barrels v1, revision 1")).to_have_count(0)
    author.open(f"{V1}/revisions/1/review")
    expect(author.page.get_by_text("You wrote this revision, so somebody else judges it.")).to_be_visible()
    expect(author.page.get_by_role("button", name="Approve")).to_have_count(0)

    approver.open("/notifications")
    expect(approver.page.get_by_text("Barrels v1 waits for a review").first).to_be_visible()
    approver.open("/")
    approver.click("Review Barrels v1, revision 1", role="link")
    approver.page.get_by_role("table", name="Lines with comments").get_by_role("link", name="4", exact=True).click()
    approver.fill("Comment on line 4", "Since when are they sold in crates?")
    approver.page.get_by_role("button", name="Comment", exact=True).click()
    expect(approver.page.locator("#line-4")).to_contain_text("Since when are they sold in crates?")
    approver.see()
    approver.fill("Comment optional", "Say what a refusal looks like.")
    approver.click("Ask for changes")
    expect(approver.page.get_by_text("Draft").first).to_be_visible()

    author.open("/notifications")
    expect(author.page.get_by_text("asks for changes to revision 1 of Barrels v1").first).to_be_visible()
    author.open("/")
    author.click("Barrels v1: changes were asked for", role="link")
    type_document(author, f'{BARRELS}        "401":\n          description: No key.\n')
    author.click("Continue")
    author.open(V1)
    author.click("Send for review", role="link")
    author.click("Send v1 for review")

    approver.open("/notifications")
    expect(approver.page.get_by_text("Barrels v1 was changed as you asked").first).to_be_visible()
    approver.open("/")
    with approver.budget(screens=2, clicks=2):
        approver.click("Review Barrels v1, revision 2", role="link")
        # Ticking is reading, as typing is writing: the tick counts as no step of its own.
        approver.page.get_by_label(CHECKED).check()
        approver.click("Approve")
    expect(approver.page.get_by_text("Approved").first).to_be_visible()

    author.open(V1)
    expect(author.page.get_by_role("link", name="Publish v1", exact=True)).to_be_visible()


def test_an_approval_without_the_tick_says_what_was_not_looked_at(
    author: Person, approver: Person, upstream_url: str
) -> None:
    author.open("/workspace/new")
    author.page.get_by_label("Team").select_option("barrels-team")
    author.fill("OpenAPI document optional", BARRELS.replace("Barrels", "Kegs"))
    author.fill("Upstream base URL optional", upstream_url)
    author.click("Create draft")
    author.click("Send for review", role="link")
    author.click("Send v1 for review")
    approver.open("/workspace/barrels-team/kegs/v1/revisions/1/review")
    approver.click("Approve")
    expect(approver.page.get_by_role("alert")).to_contain_text(CHECKED)
    approver.complaints.clear()  # The browser itself reports the 422 as an error.


ORDERS = "/workspace/demo/orders"
SEEN = (
    "/", "/catalog", "/catalog/demo/orders", "/catalog/demo/orders/v1/docs", "/catalog/demo/orders/v1/plans",
    "/workspace", "/workspace/reviews", "/workspace/subscriptions", ORDERS, f"{ORDERS}/v1", f"{ORDERS}/v1/design",
    f"{ORDERS}/v1/revisions", f"{ORDERS}/v1/revisions/1/review", f"{ORDERS}/v1/callers", f"{ORDERS}/v1/usage",
    f"{ORDERS}/v1/lint", f"{ORDERS}/v1/environments", f"{ORDERS}/v1/overlays", f"{ORDERS}/plans", f"{ORDERS}/sharing",
    f"{ORDERS}/subscriptions", f"{ORDERS}/settings", "/applications", "/ai/models", "/ai/providers",
    "/ai/prompts", "/ai/prompts/demo/translate", "/usage", "/usage/costs", "/teams/demo",
    "/teams/demo/members", "/teams/demo/settings", "/teams/demo/roles", "/teams/demo/lint", "/admin/audit",
    "/admin/audit/chain", "/admin/gateways", "/admin/roles",
)  # fmt: skip
# What is the reader's own: their list of favourites.
OWN = re.compile(r"/star$")
WRITING = re.compile(
    r"^(new|add|create|save|edit|delete|publish|deprecate|retire|restore|block|send|invite|approve|reject|subscribe|"
    r"get a key|change|rotate|revoke|remove|withdraw|end|roll back|import|promote|close|give|ask)\b", re.IGNORECASE
)  # fmt: skip


def test_an_auditor_sees_all_and_has_nothing_to_press(auditor: Person, product: Product) -> None:
    offered: dict[str, list[str]] = {}
    for path in SEEN:
        answer = auditor.page.goto(f"{product.console}{path}")
        assert answer is not None
        assert answer.status == 200, path
        auditor.see()
        main = auditor.page.locator("main")
        forms = main.locator("form[method=post]").evaluate_all("all => all.map(form => form.action)")
        posting = main.locator("[hx-post], [hx-put], [hx-patch], [hx-delete]").count()
        pressed = main.locator("button:visible, a.btn:visible").all_inner_texts()
        found = [form for form in forms if not OWN.search(form)] + [t for t in pressed if WRITING.match(t.strip())]
        if found or posting:
            offered[path] = found
    assert offered == {}


def test_an_auditor_takes_the_audit_log_along_and_checks_its_chain(auditor: Person) -> None:
    auditor.open("/admin/audit?q=Orders")
    with auditor.page.expect_download() as download:
        auditor.page.get_by_role("link", name="CSV").first.click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert rows
    assert {"at", "actor", "verb", "object", "before", "after"} <= set(rows[0])
    auditor.open("/admin/audit")
    auditor.click("Check the hash chain", role="link")
    expect(auditor.page.get_by_text("The chain is whole")).to_be_visible()


# Complete forms are refused for who sends them; of the others not even that is asked.
COMPLETE = {
    f"{ORDERS}/v1/deprecate": {"sunset": "2040-01-01", "reason": "Because"},
    f"{ORDERS}/v1/block": {"reason": "Because"},
    f"{ORDERS}/v1/revisions": {},
    "/teams/demo/members": {"emails": "friend@example.com", "role": "developer"},
    "/teams/new": {"name": "Mine", "required_approvals": "0", "minimum_notice_days": "0"},
    "/ai/providers/new": {"name": "Mine", "base_url": "https://models.example"},
    "/admin/roles/new": {"name": "Mine", "permissions": "team.view"},
    "/admin/users": {},
    "/admin/environments": {"slug": "mine", "name": "Mine"},
    "/admin/lint": {},
}
OTHERS = (
    f"{ORDERS}/v1/design", f"{ORDERS}/settings", f"{ORDERS}/plans", f"{ORDERS}/sharing", "/teams/demo/settings",
    "/applications/new", "/workspace/new",
)  # fmt: skip


def test_what_an_auditor_posts_by_hand_is_refused_and_leaves_no_trace(auditor: Person, product: Product) -> None:
    def trace() -> str:
        return auditor.page.request.get(f"{product.console}/admin/audit?format=csv&q=ines.auditor").text()

    before = trace()
    auditor.page.goto(f"{product.console}/")
    token = str(auditor.page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value"))
    refused: dict[str, int] = {}
    for path in (*COMPLETE, *OTHERS):
        form = {"csrfmiddlewaretoken": token, "form_token": f"by hand {path}", **COMPLETE.get(path, {"name": "Mine"})}
        answer = auditor.page.request.post(f"{product.console}{path}", form=form, max_redirects=0)
        refused[path] = answer.status
    allowed = {path: status for path, status in refused.items() if status not in (403, 404, 405)}
    assert set(allowed) <= set(OTHERS), allowed
    assert set(allowed.values()) <= {422}, allowed
    assert trace() == before
