import json

import pytest

from apis.models import Revision
from apis.services.documents import check_document, save_draft
from common.concurrency import etag_of
from common.errors import ConditionMissing, Conflict, Invalid, NotAllowed, NotFound, Stale, TooLarge

pytestmark = pytest.mark.django_db


def save(draft, actor, **fields):
    revision = draft.revisions.get(state="draft")
    return save_draft(**{"revision": revision, "actor": actor, "if_match": etag_of(revision)} | fields)


def test_a_valid_document_is_canonical_and_its_operations_are_kept_in_order(draft):
    revision = draft.revisions.get()
    assert revision.document["openapi"] == "3.1.0"
    assert [(row.method, row.path) for row in revision.operations.all()] == [
        ("GET", "/orders"),
        ("POST", "/orders"),
        ("GET", "/orders/{id}"),
    ]
    assert len(revision.content_hash) == 64


def test_the_order_of_keys_survives_the_database(draft, developer):
    properties = {name: {"type": "string"} for name in ("zulu", "a", "mike", "bb")}
    source = json.dumps(
        {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {},
         "components": {"schemas": {"S": {"type": "object", "properties": properties}}}}
    )  # fmt: skip
    save(draft, developer, source=source)
    stored = Revision.objects.get(version=draft).document
    assert list(stored["components"]["schemas"]["S"]["properties"]) == ["zulu", "a", "mike", "bb"]


def test_a_document_with_errors_is_kept_and_says_what_is_wrong(draft, developer):
    saved = save(draft, developer, source="openapi: 3.1.0\ninfo: [")
    assert saved.revision.source == "openapi: 3.1.0\ninfo: ["
    assert (saved.revision.content_hash, saved.revision.operations.count()) == ("", 0)
    assert saved.findings[0].severity == "error"
    assert saved.findings[0].line


def test_saving_routing_alone_keeps_document_and_operations(draft, developer):
    before = draft.revisions.get()
    saved = save(draft, developer, upstream_url="http://10.0.0.1:9000/x", total_timeout_seconds=3)
    assert saved.revision.content_hash == before.content_hash
    assert list(saved.revision.operations.values_list("pk")) == list(before.operations.values_list("pk"))
    assert (saved.revision.upstream_url, saved.revision.total_timeout_seconds) == ("http://10.0.0.1:9000/x", 3)


def test_a_save_needs_the_etag_and_loses_against_a_newer_one(draft, developer):
    revision = draft.revisions.get()
    seen = etag_of(revision)
    save_draft(revision=revision, source="{}", if_match=seen, actor=developer)
    with pytest.raises(Stale):
        save_draft(revision=Revision.objects.get(pk=revision.pk), source="[]", if_match=seen, actor=developer)
    with pytest.raises(ConditionMissing):
        save_draft(revision=revision, source="[]", if_match=None, actor=developer)
    assert Revision.objects.get(pk=revision.pk).source == "{}"


def test_two_saves_of_one_reading_leave_the_first(draft, developer):
    first, second = draft.revisions.get(), draft.revisions.get()
    save_draft(revision=first, source="{}", if_match="*", actor=developer)
    with pytest.raises(Stale):
        save_draft(revision=second, source="[]", if_match="*", actor=developer)


def test_roles_decide_who_edits(draft, member, stranger):
    with pytest.raises(NotAllowed):
        save(draft, member, source="{}")
    with pytest.raises(NotFound):
        save(draft, stranger, source="{}")


def test_a_frozen_revision_is_not_edited(published, developer):
    revision = published.revisions.get()
    with pytest.raises(Conflict, match="frozen"):
        save_draft(revision=revision, source="{}", if_match="*", actor=developer)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "orders.internal",
        "http://",
        "http://user:pw@host",
        "http://host/?a=1",
        "http://a b",
        "http://[::1",
        "x" * 600,
    ],
)
def test_an_upstream_that_is_no_base_address_is_refused(draft, developer, url):
    with pytest.raises(Invalid) as caught:
        save(draft, developer, upstream_url=url)
    assert caught.value.errors[0]["pointer"] == "/upstream_url"


@pytest.mark.parametrize("value", [0, -1, 601, "5", True])
def test_a_timeout_out_of_bounds_is_refused(draft, developer, value):
    with pytest.raises(Invalid, match="connect_timeout_seconds"):
        save(draft, developer, connect_timeout_seconds=value)


def test_a_document_over_the_limit_is_too_large():
    with pytest.raises(TooLarge):
        check_document(b" " * (32 * 1024 * 1024 + 1))


@pytest.mark.parametrize("source", ["a\x00b", b"a\x00b"])
def test_a_nul_character_is_refused(source):
    with pytest.raises(Invalid, match="NUL"):
        check_document(source)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_the_database_cannot_hold_is_an_error_of_the_document(draft, developer, text):
    tree = {"openapi": "3.1.0", "info": {"title": text, "version": "1"}, "paths": {}}
    saved = save(draft, developer, source=json.dumps(tree))
    assert saved.findings[0].code == "document-encoding"
    assert saved.revision.content_hash == ""


def test_long_summaries_are_cut_for_the_operation_list(draft, developer, document):
    saved = save(draft, developer, source=document.replace("List orders", "List  orders " * 100))
    assert len(saved.revision.operations.first().summary) == 300
