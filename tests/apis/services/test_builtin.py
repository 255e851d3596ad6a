import pytest

from apis.models import Api, Deployment
from apis.selectors import Catalog
from apis.services.builtin import ensure_ai_api
from apis.services.keys import get_key

pytestmark = pytest.mark.django_db


def test_the_ai_api_is_there_from_the_first_migration_on():
    api = Api.objects.get(kind="model")
    version = api.versions.get()
    assert (api.slug, api.base_path, api.team.slug, version.name, version.state) == (
        "ai",
        "",
        "platform",
        "v1",
        "published",
    )
    assert Deployment.objects.get(version=version).revision.operations.count() == 3
    assert [row.move for row in version.transitions.all()] == ["submit", "approve", "publish"]
    assert api.plans.get().name == "Standard"


def test_asking_again_makes_no_second_one():
    assert ensure_ai_api() == ensure_ai_api()
    assert Api.objects.filter(kind="model").count() == 1


def test_everyone_finds_it_and_gets_a_key(consumer, stranger):
    assert Catalog(stranger).entries().filter(kind="model").exists()
    assert get_key(version=Api.objects.get(kind="model").versions.get(), actor=consumer).subscription.state == "active"
