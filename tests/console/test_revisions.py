"""The pages of revisions: edit what is published, and what the verdict makes of it."""

import json
from datetime import timedelta

import pytest

from apis.models import ApiVersion
from apis.services.documents import save_draft
from apis.services.publishing import publish_version
from common.clock import now
from console.workspace.text_diff import text_diff
from demo.upstream import DOCUMENT

pytestmark = pytest.mark.django_db
BASE = "/workspace/payments/orders/v1"


@pytest.fixture
def published(draft, owner) -> ApiVersion:
    return publish_version(version=draft, actor=owner)


@pytest.fixture
def edit(published, publisher, as_user):
    """Start the working copy by the page and save it changed by a function."""

    def make(change):
        client = as_user(publisher)
        assert client.post(f"{BASE}/revisions")["Location"] == f"{BASE}/design"
        draft = published.revisions.get(state="draft")
        document = json.loads(json.dumps(DOCUMENT))
        change(document)
        save_draft(revision=draft, source=json.dumps(document), if_match="*", actor=publisher)
        return client

    return make


def add(document):
    document["paths"]["/stock"] = {"get": {"operationId": "stock", "responses": {"200": {"description": "ok"}}}}


def rename(document):
    document["paths"]["/orders"]["get"]["operationId"] = "orders"


def remove(document):
    del document["paths"]["/orders"]["get"]


def submit(client, path, **fields):
    return client.post(path, {"form_token": "t" * 24, **fields})


def test_a_published_version_offers_to_edit_it(published, as_user, publisher, member):
    page = as_user(publisher).get(BASE).content.decode()
    assert f'action="{BASE}/revisions"' in page
    assert f'action="{BASE}/revisions"' not in as_user(member).get(BASE).content.decode()


def test_a_safe_change_is_published_as_the_next_revision(edit, published):
    client = edit(add)
    page = client.get(f"{BASE}/revisions/2/release").content.decode()
    assert "It becomes revision 2 of v1." in page
    assert "Publish revision 2" in page
    assert submit(client, f"{BASE}/revisions/2/release", note="Stock.").status_code == 303
    assert published.revisions.get(state="current").number == 2
    assert "Roll back" in client.get(f"{BASE}/revisions").content.decode()
    changelog = client.get("/catalog/payments/orders/v1/changelog").content.decode()
    assert "Stock." in changelog
    assert "operation-added" in changelog


def test_a_risky_change_waits_for_its_tick(edit, published):
    client = edit(rename)
    refused = submit(client, f"{BASE}/revisions/2/release")
    assert refused.status_code == 422
    assert "Look at this change and tick it." in refused.content.decode()
    tick = refused.context["form"].ticks
    assert submit(client, f"{BASE}/revisions/2/release", **dict.fromkeys(tick.values(), "on")).status_code == 303
    assert published.revisions.get(state="current").number == 2


def test_a_breaking_change_becomes_the_next_version_and_the_old_one_stays(edit, published):
    client = edit(remove)
    page = client.get(f"{BASE}/revisions/2/release").content.decode()
    assert "so this becomes the next version" in page
    assert submit(client, f"{BASE}/revisions/2/release")["Location"] == "/workspace/payments/orders/v2"
    states = dict(ApiVersion.objects.filter(api=published.api).values_list("name", "state"))
    assert states == {"v1": "published", "v2": "published"}
    assert [row.state for row in published.revisions.all()] == ["current"]
    assert "What changed since v1" in client.get("/catalog/payments/orders/v2/changelog").content.decode()


def test_an_owner_allows_a_break_with_a_reason_and_an_end(edit, owner, as_user):
    edit(remove)
    client = as_user(owner)
    page = client.get(f"{BASE}/revisions/2/release")
    key = page.context["gate"].blocking[0].key
    assert f"{BASE}/revisions/2/waive/{key}" in page.content.decode()
    until = (now() + timedelta(days=3)).date().isoformat()
    assert submit(client, f"{BASE}/revisions/2/waive/{key}", reason="", expires_at=until).status_code == 422
    assert submit(client, f"{BASE}/revisions/2/waive/{key}", reason="Unused.", expires_at=until).status_code == 303
    assert "It becomes revision 2 of v1." in client.get(f"{BASE}/revisions/2/release").content.decode()


def test_rolling_back_is_one_page_and_one_button(edit, published):
    client = edit(add)
    submit(client, f"{BASE}/revisions/2/release")
    page = client.get(f"{BASE}/revisions/1/roll-back").content.decode()
    assert "Roll back to revision 1" in page
    done = client.post(f"{BASE}/revisions/1/roll-back", {"form_token": "b" * 24, "reason": "Errors rose."})
    assert done.status_code == 303
    assert published.revisions.get(state="current").number == 1


def test_the_diff_names_the_lines_and_a_draft_is_thrown_away(edit, published):
    client = edit(add)
    page = client.get(f"{BASE}/revisions/2/diff").content.decode()
    assert "operation-added" in page
    assert "/stock:" in page
    assert client.post(f"{BASE}/revisions", {"discard": "2"}).status_code == 302
    assert published.revisions.count() == 1


def test_where_approvals_are_asked_for_the_revision_goes_to_review(edit, team, owner, as_user):
    client = edit(add)
    team.required_approvals = 1
    team.save()
    assert "Send for review" in client.get(f"{BASE}/revisions/2/release").content.decode()
    assert submit(client, f"{BASE}/revisions/2/release").status_code == 303
    assert "revision 2" in as_user(owner).get("/workspace/reviews").content.decode()
    review = as_user(owner).get(f"{BASE}/revisions/2/review").content.decode()
    assert "operation-added" in review


def test_lines_of_two_documents_are_paired_with_their_numbers():
    (rows,) = text_diff({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    assert [(row.sign, row.old, row.new) for row in rows] == [
        ("", "a: 1", "a: 1"),
        ("~", "b: 2", "b: 3"),
        ("+", "", "c: 4"),
    ]
    assert text_diff({"a": 1}, {"a": 1}) == []


def test_every_change_is_explained_to_everybody(client):
    page = client.get("/help/changes").content.decode()
    assert 'id="operation-removed"' in page


def test_a_revision_is_downloaded_as_it_was_written(draft, owner, member, stranger, as_user):
    from pathlib import Path

    from apis.services.documents import save_draft

    source = (Path(__file__).parents[1] / "golden" / "openapi" / "events_32.yaml").read_text()
    save_draft(revision=draft.revisions.get(), source=source, if_match="*", actor=owner)
    path = "/workspace/payments/orders/v1/revisions/1/source"
    answer = as_user(member).get(path)
    assert answer.content.decode() == source
    assert answer["Content-Disposition"] == 'attachment; filename="orders-v1-revision-1.yaml"'
    assert as_user(stranger).get(path).status_code == 404
    page = as_user(owner).get("/catalog/payments/orders/v1/docs/listEvents").content.decode()
    assert "?since=2026-01-01" in page
