import json

import pytest

from apis.models import CatalogEntry, Environment, Operation
from apis.selectors import served_document
from apis.selectors.overlays import documented_environments, shown_document, shown_operations
from apis.services.environments import promote_revision
from apis.services.overlays import (
    MOST_OVERLAYS,
    create_overlay,
    delete_overlay,
    order_overlays,
    update_overlay,
)
from apis.services.revisions import start_revision
from common.errors import ConditionMissing, Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent

pytestmark = pytest.mark.django_db


def overlay_of(*actions, version="1.1.0"):
    return json.dumps({"overlay": version, "info": {"title": "T", "version": "1"}, "actions": list(actions)})


def titled(title):
    return overlay_of({"target": "$.info", "update": {"title": title}})


HIDE = overlay_of({"target": "$.paths['/orders'].post", "remove": True})


@pytest.fixture
def staging():
    return Environment.objects.create(slug="staging", name="Staging")


def title(version, environment="production"):
    return served_document(version, environment)["info"]["title"]


def test_an_overlay_counts_in_its_environments_alone(published, publisher, staging):
    create_overlay(version=published, name="Staging", source=titled("Try"), environments=[staging], actor=publisher)
    assert title(published) == "Orders"
    assert title(published, "staging") == "Try"
    create_overlay(version=published, name="All", source=titled("Everywhere"), actor=publisher)
    assert title(published) == title(published, "staging") == "Everywhere"


def test_it_is_applied_last_over_what_callers_read(published, publisher):
    source = overlay_of({"target": "$.servers[0]", "update": {"description": "The gateway"}})
    create_overlay(version=published, name="Servers", source=source, actor=publisher)
    (server,) = served_document(published)["servers"]
    assert server["description"] == "The gateway"
    assert server["url"].endswith("/payments/orders/v1")


def test_the_revision_of_the_environment_is_what_it_lies_over(published, publisher, staging):
    from apis.services.documents import save_draft
    from apis.services.reviews import submit_for_review  # noqa: F401  the state is what matters
    from tests.apis.conftest import DOCUMENT

    first = published.revisions.get()
    draft = start_revision(version=published, actor=publisher)
    changed = {**DOCUMENT, "info": {**DOCUMENT["info"], "title": "Later"}}
    save_draft(revision=draft, source=json.dumps(changed), if_match="*", actor=publisher)
    promote_revision(revision=first, environment=staging, actor=publisher)
    first.version.revisions.filter(pk=draft.pk).update(state="current")
    first.version.revisions.filter(pk=first.pk).update(state="superseded")
    assert title(published) == "Later"
    assert title(published, "staging") == "Orders"


def test_an_operation_that_is_hidden_is_neither_listed_nor_found_nor_mocked(published, publisher):
    create_overlay(version=published, name="Public", source=HIDE, actor=publisher)
    revision = published.revisions.get()
    assert [row.operation_id for row in shown_operations(published, revision)] == ["listOrders", "getOrder"]
    assert "post" not in shown_document(published, revision)["paths"]["/orders"]
    assert "createorder" not in CatalogEntry.objects.get(api=published.api).operation_words
    # The gateway goes on routing what the design describes.
    assert Operation.objects.filter(revision=revision, operation_id="createOrder").exists()


def test_an_operation_that_an_overlay_adds_is_left_out(published, publisher):
    added = {"/new": {"get": {"responses": {"200": {"description": "ok"}}}}}
    source = overlay_of({"target": "$.paths", "update": added})
    create_overlay(version=published, name="More", source=source, actor=publisher)
    assert "/new" not in served_document(published)["paths"]


def test_what_cannot_be_applied_now_is_refused_with_its_action(published, publisher):
    with pytest.raises(Invalid) as caught:
        create_overlay(version=published, name="Wrong", actor=publisher,
                       source=overlay_of({"target": "$.info", "update": {"title": {}}}))  # fmt: skip
    assert "Action 1 ($.info)" in caught.value.detail
    assert caught.value.errors[0]["pointer"] == "/actions/0"
    with pytest.raises(Invalid, match=r"overlay is 2"):
        create_overlay(version=published, name="Wrong", source="overlay: 2", actor=publisher)
    with pytest.raises(Invalid) as caught:
        create_overlay(version=published, name="Broken", actor=publisher,
                       source=overlay_of({"target": "$.info.title", "remove": True}))  # fmt: skip
    assert "title" in caught.value.detail
    assert not published.overlays.exists()
    # Switched off it may wait for the document it is made for.
    kept = create_overlay(version=published, name="Later", is_enabled=False, actor=publisher,
                          source=overlay_of({"target": "$.info", "update": {"title": {}}}))  # fmt: skip
    with pytest.raises(Invalid):
        update_overlay(overlay=kept, if_match="*", is_enabled=True, actor=publisher)


def test_a_document_that_moved_on_leaves_out_the_action_that_no_longer_fits(published, publisher):
    source = overlay_of({"target": "$.info", "update": {"x-note": {"a": 1}}}, json.loads(HIDE)["actions"][0])
    create_overlay(version=published, name="Public", source=source, actor=publisher)
    revision = published.revisions.get()
    revision.document["info"]["x-note"] = "text"
    published.revisions.filter(pk=revision.pk).update(document=revision.document)
    served = served_document(published)
    assert served["info"]["x-note"] == "text"
    assert "post" not in served["paths"]["/orders"]


def test_order_decides_and_deleting_closes_the_gap(published, publisher):
    rows = [
        create_overlay(version=published, name=name, source=titled(name), actor=publisher) for name in ("A", "B", "C")
    ]
    ids = [row.public_id for row in rows]
    assert title(published) == "C"
    order_overlays(version=published, order=[ids[2], ids[0], ids[1]], actor=publisher)
    assert title(published) == "B"
    with pytest.raises(Invalid, match="each of the 3"):
        order_overlays(version=published, order=ids[:2], actor=publisher)
    rows[2].refresh_from_db()
    delete_overlay(overlay=rows[2], actor=publisher)
    assert list(published.overlays.values_list("name", "position")) == [("A", 1), ("B", 2)]
    # Three in, one deleted: names and places are free again.
    create_overlay(version=published, name="C", source=titled("C"), actor=publisher)
    with pytest.raises(Conflict, match="called 'A' already"):
        create_overlay(version=published, name="A", source=titled("A"), actor=publisher)


def test_the_change_is_live_and_the_audit_log_keeps_every_text(published, publisher):
    row = create_overlay(version=published, name="A", source=titled("One"), actor=publisher)
    seen = f'"{row.row_version}"'
    update_overlay(overlay=row, if_match=seen, source=titled("Two"), actor=publisher)
    assert title(published) == "Two"
    with pytest.raises(Stale):
        update_overlay(overlay=row, if_match=seen, source=titled("Three"), actor=publisher)
    with pytest.raises(ConditionMissing):
        update_overlay(overlay=row, if_match="", source=titled("Three"), actor=publisher)
    update_overlay(overlay=row, if_match="*", is_enabled=False, actor=publisher)
    assert title(published) == "Orders"
    delete_overlay(overlay=row, actor=publisher)
    events = AuditEvent.objects.filter(verb__startswith="overlay.").order_by("id")
    assert [event.verb for event in events] == [
        "overlay.create", "overlay.change", "overlay.change", "overlay.delete",
    ]  # fmt: skip
    assert "One" in events[0].after["source"]
    assert events[1].after == {"source": titled("Two")}
    assert events[2].after == {"is_enabled": False}
    assert "Two" in events[3].before["source"]


def test_of_two_who_save_at_once_one_is_stale(published, publisher):
    row = create_overlay(version=published, name="A", source=titled("One"), actor=publisher)
    other = published.overlays.get()
    update_overlay(overlay=other, if_match="*", source=titled("Two"), actor=publisher)
    with pytest.raises(Stale):
        update_overlay(overlay=row, if_match=f'"{row.row_version}"', source=titled("Three"), actor=publisher)
    assert title(published) == "Two"


def test_publishers_of_the_team_alone_change_them(published, publisher, developer, stranger):
    row = create_overlay(version=published, name="A", source=titled("A"), actor=publisher)
    for person, refused in ((developer, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refused):
            create_overlay(version=published, name="B", source=titled("B"), actor=person)
        with pytest.raises(refused):
            update_overlay(overlay=row, if_match="*", name="B", actor=person)
        with pytest.raises(refused):
            order_overlays(version=published, order=[row.public_id], actor=person)
        with pytest.raises(refused):
            delete_overlay(overlay=row, actor=person)


def test_names_are_there_and_overlays_are_not_too_many(published, publisher):
    with pytest.raises(Invalid, match="a name"):
        create_overlay(version=published, name="  ", source=titled("A"), actor=publisher)
    for number in range(MOST_OVERLAYS):
        create_overlay(version=published, name=f"N{number}", source=titled("A"), is_enabled=False, actor=publisher)
    with pytest.raises(Conflict, match=f"{MOST_OVERLAYS} overlays"):
        create_overlay(version=published, name="More", source=titled("A"), actor=publisher)


def test_environments_are_offered_where_their_documents_may_differ(published, publisher, staging):
    assert documented_environments(published) == []
    create_overlay(version=published, name="All", source=titled("A"), actor=publisher)
    assert documented_environments(published) == []
    create_overlay(version=published, name="One", source=titled("A"), environments=[staging], actor=publisher)
    assert [row.slug for row in documented_environments(published)] == ["production", "staging"]
