import json

import pytest

from apis import tasks
from apis.models import Api, ImportJob
from apis.services import imports
from apis.services.imports import import_document
from common.errors import Conflict, Invalid, NotAllowed, NotFound, TooLarge
from tests.apis.design.archives.test_bundling import FILES, packed

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """Record what would be enqueued."""
    names: list[tuple[str, list]] = []
    monkeypatch.setattr(imports.current_app, "send_task", lambda name, args: names.append((name, args)))
    return names


def padded(document: str, size: int) -> str:
    tree = json.loads(document)
    tree["components"] = {
        "schemas": {f"S{n}": {"type": "object", "description": "x" * 1000} for n in range(size // 1000)}
    }
    return json.dumps(tree)


def test_a_small_document_is_an_api_at_once(team, developer, document):
    job = import_document(team=team, source=document, actor=developer)
    assert (job.state, job.source) == ("done", "")
    api = job.api
    assert (api.name, api.slug, api.summary, api.kind) == ("Orders", "orders", "Takes orders.", "rest")
    revision = api.versions.get().revisions.get()
    assert (revision.upstream_url, revision.operations.count()) == ("https://orders.internal/v1", 3)


def test_what_the_form_says_wins_over_the_document(team, developer, document):
    job = import_document(
        team=team,
        source=document.encode(),
        name="Shop",
        base_path="/shop",
        upstream_url="http://127.0.0.1:9000",
        tags=["a"],
        summary="Mine",
        actor=developer,
    )
    api = job.api
    assert (api.name, api.base_path, api.tags, api.summary) == ("Shop", "/shop", ["a"], "Mine")
    assert api.versions.get().revisions.get().upstream_url == "http://127.0.0.1:9000"


def test_yaml_and_swagger_2_are_read(team, developer):
    source = """
swagger: '2.0'
info: {title: Pets, version: '1'}
host: pets.example
schemes: [https]
basePath: /v2
paths:
  /pets:
    get:
      responses: {'200': {description: ok}}
"""
    job = import_document(team=team, source=source, actor=developer)
    revision = job.api.versions.get().revisions.get()
    assert (revision.document["openapi"], revision.source_format) == ("3.1.0", "yaml")
    assert revision.upstream_url == "https://pets.example/v2"
    assert any("operationId" in finding["detail"] for finding in job.findings)


@pytest.mark.parametrize(
    "source", ["hello", "{", "a: [", '{"openapi": "3.1.0"}', "<html>", b"\xff\xfe\x00\xd8", b"\xc3("]
)
def test_what_is_no_document_says_why_and_leaves_nothing(team, developer, source):
    with pytest.raises(Invalid) as caught:
        import_document(team=team, source=source, actor=developer)
    assert caught.value.errors[0]["detail"]
    assert not ImportJob.objects.exists()
    assert not Api.objects.filter(team=team).exists()


def test_a_duplicate_operation_id_names_both_places(team, developer, document):
    tree = json.loads(document)
    tree["paths"]["/orders"]["post"]["operationId"] = "listOrders"
    with pytest.raises(Invalid) as caught:
        import_document(team=team, source=json.dumps(tree), actor=developer)
    assert "/paths/~1orders/get" in caught.value.detail
    assert "/paths/~1orders/post" in caught.value.errors[0]["pointer"]


def test_a_large_document_is_queued_and_done_by_the_task(
    team, developer, document, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = import_document(team=team, source=padded(document, 1_200_000), actor=developer)
    assert (job.state, sent) == ("queued", [("apis.tasks.run_import", [job.pk])])
    tasks.run_import(job.pk)
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.api.name, job.source) == ("done", "Orders", "")
    assert Api.objects.filter(team=team).count() == 1


def test_a_queued_import_that_is_wrong_keeps_its_file_and_says_where(team, developer, document, sent):
    source = padded(document, 1_200_000).replace('"listOrders"', '"getOrder"')
    job = import_document(team=team, source=source, actor=developer)
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.source == source, job.api) == ("failed", True, None)
    assert job.findings[0]["pointer"]
    assert job.error


def test_an_import_whose_message_was_lost_is_found(team, developer, document, sent):
    job = import_document(team=team, source=padded(document, 1_200_000), actor=developer)
    tasks.run_lost_imports()
    job.refresh_from_db()
    assert job.state == "queued"
    ImportJob.objects.filter(pk=job.pk).update(created_at=job.created_at - 2 * tasks.LOST_AFTER)
    tasks.run_lost_imports()
    job.refresh_from_db()
    assert job.state == "done"


def test_an_error_nobody_foresaw_fails_the_import_and_is_logged(team, developer, document, sent, monkeypatch, caplog):
    job = import_document(team=team, source=padded(document, 1_200_000), actor=developer)

    def burst(**_):
        raise RuntimeError("boom")

    monkeypatch.setattr(tasks, "finish_import", burst)
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert job.public_id in caplog.text


def test_over_the_limit_is_too_large(team, developer):
    with pytest.raises(TooLarge, match="at most 32 MB"):
        import_document(team=team, source=b"{" + b" " * 32 * 1024 * 1024, actor=developer)


def test_an_import_into_a_version_replaces_its_draft(draft, developer, document):
    changed = document.replace("List orders", "All orders")
    job = import_document(version=draft, source=changed, upstream_url="https://new.internal", actor=developer)
    revision = draft.revisions.get()
    assert (job.version, revision.upstream_url) == (draft, "https://new.internal")
    assert revision.operations.first().summary == "All orders"


def test_an_import_into_a_published_version_is_refused(published, developer, document):
    with pytest.raises(Conflict, match="make a new version"):
        import_document(version=published, source=document, actor=developer)


def test_an_address_is_fetched_within_the_limit(team, developer, document, monkeypatch):
    from common.outbound import Fetched

    asked = {}

    def fetch(url, **limits):
        asked.update(limits, url=url)
        return Fetched(200, document.encode())

    monkeypatch.setattr(imports, "fetch", fetch)
    job = import_document(team=team, source_url="https://example.com/o.json", actor=developer)
    assert (job.state, job.source_url) == ("done", "https://example.com/o.json")
    assert asked == {"url": "https://example.com/o.json", "max_bytes": 32 * 1024 * 1024, "timeout_seconds": 15}


@pytest.mark.parametrize("given", [{}, {"source": "x", "source_url": "https://e"}, {"source": "x", "colour": "red"}])
def test_one_source_and_known_fields_are_asked_for(team, developer, given):
    with pytest.raises(Invalid):
        import_document(team=team, actor=developer, **given)


def test_roles_decide_who_imports(team, member, stranger, document):
    with pytest.raises(NotAllowed):
        import_document(team=team, source=document, actor=member)
    with pytest.raises(NotFound):
        import_document(team=team, source=document, actor=stranger)


def test_an_archive_becomes_one_document_and_the_report_says_how(team, developer):
    job = import_document(team=team, source=packed(FILES), actor=developer)
    revision = job.api.versions.get().revisions.get()
    assert (job.state, job.api.name, revision.operations.count()) == ("done", "Shop", 2)
    assert "Person" in revision.document["components"]["schemas"]
    assert "paths/orders.yaml" not in revision.source
    rules = [finding["rule"] for finding in job.findings]
    assert rules[:2] == ["archive-root", "archive-bundled"]
    assert "archive-ignored" in rules


def test_an_archive_that_is_refused_names_its_file_and_leaves_nothing(team, developer):
    files = {name: text for name, text in FILES.items() if name != "common.yaml"}
    with pytest.raises(Invalid) as caught:
        import_document(team=team, source=packed(files), actor=developer)
    assert "paths/orders.yaml" in str(caught.value.errors)
    assert "common.yaml" in caught.value.detail
    assert not Api.objects.filter(kind="rest").exists()
    two = {"a.yaml": FILES["openapi.yaml"], **FILES}
    with pytest.raises(Invalid, match="There is no .nothing.yaml"):
        import_document(team=team, source=packed(two), root="nothing.yaml", actor=developer)
    assert import_document(team=team, source=packed(two), root="openapi.yaml", actor=developer).state == "done"


def test_a_large_archive_is_opened_in_the_background(team, developer, sent, django_capture_on_commit_callbacks):
    long = {**FILES, "notes.yaml": json.dumps([str(n) for n in range(200_000)])}
    with django_capture_on_commit_callbacks(execute=True):
        job = import_document(team=team, source=packed(long), root="openapi.yaml", actor=developer)
    assert (job.state, sent) == ("queued", [("apis.tasks.run_import", [job.pk])])
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.source, job.api.name) == ("done", "", "Shop")
    assert job.findings[0]["rule"] == "archive-root"


def test_a_lone_document_that_names_another_file_hears_of_the_archive(team, developer):
    with pytest.raises(Invalid) as caught:
        import_document(team=team, source=FILES["openapi.yaml"], actor=developer)
    (error, *_) = [item for item in caught.value.errors if item["rule"] == "reference-file"]
    assert "zip" in error["detail"]
    assert "common.yaml" in str(caught.value.errors)
