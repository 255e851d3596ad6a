import pytest

from apis.models import Environment, Overlay
from apis.services.overlays import create_overlay, update_overlay
from apis.services.publishing import publish_version
from tests.apis.services.test_overlays import overlay_of, titled

pytestmark = pytest.mark.django_db
BASE = "/workspace/payments/orders/v1/overlays"
TOKEN = {"form_token": "o" * 24}


@pytest.fixture
def staging():
    return Environment.objects.create(slug="staging", name="Staging")


@pytest.fixture
def published(draft, owner):
    return publish_version(version=draft, actor=owner)


def test_an_overlay_is_added_changed_moved_switched_and_deleted(published, staging, publisher, as_user):
    client = as_user(publisher)
    assert "as it is designed" in client.get(BASE).content.decode()
    page = client.get(f"{BASE}/new").content.decode()
    assert "Add overlay" in page
    assert "Nobody takes this for production" in page
    given = {**TOKEN, "name": "Staging", "environments": ["staging"], "is_enabled": "on", "source": titled("Try")}
    assert client.post(f"{BASE}/new", given).status_code == 303
    first = Overlay.objects.get()
    assert [place.slug for place in first.environments.all()] == ["staging"]
    page = client.get(f"{BASE}?environment=staging").content.decode()
    assert "title: Try" in page
    assert "No overlay is applied in this environment" in client.get(BASE).content.decode()
    etag = f'"{first.row_version}"'
    changed = {**given, "form_token": "p" * 24, "environments": [], "etag": etag}
    assert client.post(f"{BASE}/{first.public_id}", changed).status_code == 303
    assert "title: Try" in client.get(BASE).content.decode()
    second = create_overlay(version=published, name="Second", source=titled("Two"), actor=publisher)
    assert client.post(f"{BASE}/{second.public_id}/change", {"do": "up"}).status_code == 302
    assert list(Overlay.objects.values_list("name", flat=True)) == ["Second", "Staging"]
    client.post(f"{BASE}/{second.public_id}/change", {"do": "off", "etag": f'"{second.row_version}"'})
    second.refresh_from_db()
    assert not second.is_enabled
    assert "Keep overlay" in client.get(f"{BASE}/{second.public_id}/delete").content.decode()
    assert client.post(f"{BASE}/{second.public_id}/delete").status_code == 302
    assert Overlay.objects.count() == 1


def test_what_comes_out_is_shown_while_one_types(published, publisher, as_user):
    client = as_user(publisher)

    def typed(source):
        answer = client.post(f"{BASE}/preview", {"source": source, "preview_environment": "production"})
        assert answer.status_code == 200
        return answer.content.decode()

    assert "gh-diff-plus" in typed(titled("Typed"))
    assert "title: Typed" in typed(titled("Typed"))
    assert "selects nothing" in typed(overlay_of({"target": "$.nothing", "update": {}}))
    assert "cannot be merged" in typed(overlay_of({"target": "$.info", "update": "x"}))
    hidden = typed(overlay_of({"target": "$.paths['/orders'].get", "remove": True}))
    assert "served to whoever has a key" in hidden
    assert "GET /orders" in hidden
    assert "does not route it" in typed(overlay_of({"target": "$.paths", "update": {"/new": {"get": {}}}}))
    wrong = typed("overlay: 1.1.0\ninfo: {title: T, version: '1'}\nactions:\n- target: nothing\n  remove: true\n")
    assert 'data-line="4"' in wrong
    assert not Overlay.objects.exists()


def test_a_form_with_errors_keeps_what_was_typed(published, publisher, as_user):
    answer = as_user(publisher).post(f"{BASE}/new", {**TOKEN, "name": "A", "is_enabled": "on", "source": "overlay: 9"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "versions 1.0 and 1.1 are read" in page
    assert "overlay: 9" in page


def test_one_that_somebody_else_saved_meanwhile_is_shown_beside(published, publisher, as_user):
    row = create_overlay(version=published, name="A", source=titled("One"), actor=publisher)
    seen = f'"{row.row_version}"'
    update_overlay(overlay=row, if_match="*", source=titled("Theirs"), actor=publisher)
    given = {**TOKEN, "name": "A", "is_enabled": "on", "source": titled("Mine"), "etag": seen}
    answer = as_user(publisher).post(f"{BASE}/{row.public_id}", given)
    assert answer.status_code == 412
    page = answer.content.decode()
    assert "Theirs" in page
    assert "Mine" in page
    assert "Keep mine" in page


def test_who_may_only_read_sees_no_buttons(published, publisher, developer, stranger, as_user):
    row = create_overlay(version=published, name="A", source=titled("One"), actor=publisher)
    page = as_user(developer).get(BASE).content.decode()
    assert "Add overlay" not in page
    assert "Switch off" not in page
    page = as_user(developer).get(f"{BASE}/{row.public_id}").content.decode()
    assert "One" in page
    assert "Save overlay" not in page
    assert as_user(developer).get(f"{BASE}/new").status_code == 403
    given = {**TOKEN, "name": "A", "source": titled("Two"), "etag": "*"}
    assert as_user(developer).post(f"{BASE}/{row.public_id}", given).status_code == 403
    assert as_user(developer).post(f"{BASE}/{row.public_id}/change", {"do": "off"}).status_code == 403
    assert as_user(stranger).get(BASE).status_code == 404


def test_the_catalog_and_the_mock_show_each_environment(published, staging, publisher, as_user):
    source = overlay_of(
        {"target": "$.info", "update": {"title": "Try"}}, {"target": "$.paths['/orders'].get", "remove": True}
    )
    create_overlay(version=published, name="Staging", source=source, environments=[staging], actor=publisher)
    client, catalog = as_user(publisher), "/catalog/payments/orders/v1"
    assert client.get(f"{catalog}/openapi.json").json()["info"]["title"] != "Try"
    assert client.get(f"{catalog}/openapi.json?environment=staging").json()["info"]["title"] == "Try"
    assert client.get(f"{catalog}/openapi.json?environment=moon").status_code == 404
    assert "listOrders" in client.get(f"{catalog}/docs").content.decode()
    page = client.get(f"{catalog}/docs?environment=staging").content.decode()
    assert "listOrders" not in page
    assert "?environment=staging" in page
    assert client.get(f"{catalog}/docs/listOrders").status_code == 200
    assert client.get(f"{catalog}/docs/listOrders?environment=staging").status_code == 404
    assert "openapi.json?environment=staging" in client.get(f"{catalog}/reference?environment=staging").content.decode()
    mock = "/mock/payments/orders/v1/orders"
    assert client.get(mock).status_code == 200
    assert client.get(mock, headers={"Gatehouse-Mock-Environment": "staging"}).status_code == 404


def test_the_page_asks_the_database_no_more_for_more_overlays(
    published, publisher, as_user, django_assert_max_num_queries
):
    for number in range(10):
        create_overlay(version=published, name=f"N{number}", source=titled(f"T{number}"), actor=publisher)
    client = as_user(publisher)
    with django_assert_max_num_queries(15):
        assert client.get(BASE).status_code == 200
