"""Versions by manifest: content into drafts and releases, moves with whom they hit, what waits and what is refused."""

import pytest

from apis.guards import working_revision
from apis.models import ApiVersion, Revision
from apis.services.documents import save_draft
from apis.services.reviews import review_revision
from apis.services.revisions import start_revision
from tests.manifests.conftest import DOCUMENT, ORDERS, actions

pytestmark = pytest.mark.django_db
V1 = "ApiVersion payments/orders/v1"


@pytest.fixture
def applied(files, apply):
    """The files as they were applied, and a function that changes one."""
    apply(files, source="repo")

    def changed(old: str = "", new: str = "", file: str = "payments/orders.yaml"):
        return {**files, file: files[file].replace(old, new)} if old else dict(files)

    return changed


def entry_of(plan, kind="ApiVersion"):
    return next(entry for entry in plan.entries if entry.kind == kind)


def current():
    return Revision.objects.get(version__api__slug="orders", state="current")


def test_a_safe_change_becomes_the_next_revision(applied, apply, plan):
    sent = applied("Takes orders.", "Takes all orders.", "payments/openapi.yaml")
    entry = entry_of(plan(sent))
    assert [(change.field, change.old[:7], change.new[:7]) for change in entry.changes] == [
        ("document", "sha256:", "sha256:")
    ]
    apply(sent)
    assert current().number == 2
    assert "all orders" in current().source


def test_a_breaking_change_is_refused_with_whom_it_hits(applied, apply, callers_of_operation):
    entry = entry_of(apply(applied("{type: integer}", "{type: boolean}", "payments/openapi.yaml")))
    assert entry.code == "breaking-change"
    change = entry.breaks[0]
    assert (change["level"], change["applications"], change["calls_30_days"]) == ("breaking", ["Checkout"], 7)
    assert current().number == 1
    assert working_revision(ApiVersion.objects.get(api__slug="orders")) is None


@pytest.fixture
def callers_of_operation(monkeypatch):
    from apis import ports
    from apis.ports import OperationCaller

    rows = {"listOrders": [OperationCaller("app_1", "Checkout", 7)]}
    monkeypatch.setattr(ports, "callers_of_operations", lambda version, days: rows)


def test_a_risky_change_is_ticked_in_the_manifest(applied, apply):
    sent = applied("operationId: listOrders", "operationId: readOrders", "payments/openapi.yaml")
    entry = entry_of(apply(sent))
    assert "then write its key into accepted_changes" in entry.problems[0].detail
    (risky,) = [change for change in entry.breaks if change["level"] == "risky"]
    ticked = f"state: published\n  accepted_changes: ['{risky['key']}']"
    sent["payments/orders.yaml"] = sent["payments/orders.yaml"].replace("state: published", ticked)
    assert apply(sent).is_applied
    assert "readOrders" in current().source
    assert set(actions(apply(sent)).values()) == {"none"}


def test_a_draft_of_somebody_else_is_named_before_it_is_replaced(applied, plan, apply, publisher):
    version = ApiVersion.objects.get(api__slug="orders")
    draft = start_revision(version=version, actor=publisher)
    save_draft(revision=draft, actor=publisher, if_match="*", source=DOCUMENT.replace("Takes", "Drops"))
    sent = applied("Takes orders.", "Takes all orders.", "payments/openapi.yaml")
    assert "The working copy of Publisher, revision 2, is replaced." in entry_of(plan(sent)).notes
    assert working_revision(version).author == publisher
    apply(sent)
    assert "all orders" in current().source


def test_where_a_team_asks_for_approvals_an_apply_asks_and_the_next_goes_on(applied, apply, plan, team, owner, admin):
    team.required_approvals = 1
    team.save()
    sent = applied("Takes orders.", "Takes all orders.", "payments/openapi.yaml")
    assert "1" not in entry_of(plan(sent)).waiting
    assert entry_of(apply(sent)).waiting == "one other person of Payments must approve revision 2 before it is served."
    waiting = entry_of(apply(sent))
    assert (waiting.action, bool(waiting.waiting)) == ("none", True)
    working = working_revision(ApiVersion.objects.get(api__slug="orders"))
    review_revision(revision=working, verdict="approved", actor=admin)
    assert entry_of(apply(sent)).action == "change"
    assert current().number == 2


def test_a_first_publication_waits_for_its_approval_too(files, apply, team, admin):
    team.required_approvals = 1
    team.save()
    done = apply({**files, "payments/orders.yaml": ORDERS.rpartition("---")[0]})
    entry = entry_of(done)
    assert (entry.action, ApiVersion.objects.get(api__slug="orders").state) == ("create", "in_review")
    assert "must approve it before it is published" in entry.waiting
    review_revision(revision=Revision.objects.get(state="in_review"), verdict="approved", actor=admin)
    assert entry_of(apply({**files, "payments/orders.yaml": ORDERS})).action == "move"
    assert ApiVersion.objects.get(api__slug="orders").state == "published"


DEPRECATED = "state: deprecated\n  sunset_at: 2099-01-01\n  deprecation_reason: Too old."


def test_a_deprecation_names_whom_it_hits_and_is_taken_back(applied, apply, plan):
    sent = applied("state: published", DEPRECATED)
    entry = entry_of(plan(sent))
    assert entry.action == "move"
    assert {change.field: change.new for change in entry.changes} == {
        "state": "deprecated", "sunset_at": "2099-01-01", "deprecation_reason": "Too old.",
    }  # fmt: skip
    assert (entry.impact["applications"], entry.impact["rows"][0]["application"]) == (1, "Checkout")
    apply(sent)
    assert set(actions(apply(sent)).values()) == {"none"}
    moved = entry_of(apply(applied("state: published", DEPRECATED.replace("2099", "2098"))))
    assert "undo the deprecation" in moved.problems[0].detail
    apply(applied())
    assert ApiVersion.objects.get(api__slug="orders").state == "published"


def test_retiring_asks_for_its_reason_and_its_typed_name(applied, apply):
    apply(applied("state: published", DEPRECATED))
    retired = DEPRECATED.replace("deprecated", "retired")
    problems = entry_of(apply(applied("state: published", retired))).problems
    assert "Type orders/v1 to retire it now." in problems[1].detail
    assert problems[1].line > 0
    said = f"{retired}\n  retirement_reason: Nobody is left.\n  typed_name: orders/v1"
    assert entry_of(apply(applied("state: published", said))).action == "move"
    back = entry_of(apply(applied("state: published", "state: draft")))
    assert "no legal way leads to draft" in back.problems[0].detail


def test_a_successor_is_published_before_the_version_that_names_it_is_deprecated(applied, apply):
    both = applied("state: published", "state: deprecated\n  sunset_at: 2099-01-01\n  successor: v2")
    both["payments/v2.yaml"] = (
        "apiVersion: gatehouse/v1\nkind: ApiVersion\nmetadata: {team: payments, api: orders, name: v2}\nspec:\n"
        "  state: published\n  document: {file: openapi.yaml}\n  upstream_url: https://orders.internal/2\n"
    )
    done = apply(both)
    assert done.is_applied
    moved = [entry.key for entry in done.entries if entry.kind == "ApiVersion"]
    assert moved == ["payments/orders/v2", "payments/orders/v1"]


def test_secrets_of_gateway_settings_come_from_the_environment_and_are_never_told(applied, apply, plan, export):
    upstream = (
        "upstream_url: https://orders.internal\n  gateway: {upstream: {headers: {X-Key: {from_env: ORDERS_KEY}}}}"
    )
    sent = applied("upstream_url: https://orders.internal", upstream)
    refused = entry_of(plan(sent))
    assert "nothing is kept yet: write {from_env: NAME}" in refused.problems[0].detail
    done = apply(sent, secrets={"ORDERS_KEY": "s3cret"})
    assert "s3cret" not in str(done.as_json())
    assert current().gateway["upstream"]["headers"] == {"X-Key": "s3cret"}
    assert set(actions(apply(sent, secrets={"ORDERS_KEY": "s3cret"})).values()) == {"none"}
    assert set(actions(apply(sent)).values()) == {"none"}
    text = export()
    assert "s3cret" not in text
    assert set(actions(apply({"a.yaml": text})).values()) == {"none"}
    rotated = apply(sent, secrets={"ORDERS_KEY": "n3w"})
    assert entry_of(rotated).notes[-1] == "Secrets of its gateway settings change."
    assert "n3w" not in str(rotated.as_json())
    assert current().gateway["upstream"]["headers"] == {"X-Key": "n3w"}
