import pytest

from apis.models import Environment

pytestmark = pytest.mark.django_db


def test_the_console_says_that_it_lives(client):
    assert client.get("/livez").content == b"ok"


def test_production_exists_from_the_first_migration_on():
    assert [row.slug for row in Environment.objects.all()] == ["production"]
