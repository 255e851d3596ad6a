"""Fixtures for all rings: the three people of every rule (owner, member, stranger), their team, a client for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says something of the machine, not of the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_configure() -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    # Names with hashes need collected files; the journeys run with those, the app ring does without.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    # A hash that is slow to guess makes every person of a test slow to make; the journeys hash as the product does.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# These start processes of their own and look at the clock: one at a time, and first since they take longest.
WITH_PROCESSES = {"bench", "gateway", "journeys", "supervisor"}


class ByProcesses(LoadScopeScheduling):
    """Gives all of the above to one of the processes that run the tests, a file each to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "processes" if WITH_PROCESSES & set(file.split("/")) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByProcesses:
    return ByProcesses(config, log)


@pytest.fixture
def team(db):
    from teams.models import Team

    return Team.objects.create(slug="payments", name="Payments", required_approvals=0, minimum_notice_days=0)


@pytest.fixture
def make_user(db) -> Callable:
    from teams.models import Membership, User

    def make(name: str, team=None, role: str = "", **fields):
        user = User.objects.create_user(f"{name}@example.com", "correct horse battery", name=name.title(), **fields)
        if team is not None:
            Membership.objects.create(user=user, team=team, role=role)
        return user

    return make


@pytest.fixture
def admin(make_user):
    return make_user("admin", is_platform_admin=True, is_staff=True, is_superuser=True)


@pytest.fixture
def owner(make_user, team):
    return make_user("owner", team, "owner")


@pytest.fixture
def publisher(make_user, team):
    return make_user("publisher", team, "publisher")


@pytest.fixture
def developer(make_user, team):
    return make_user("developer", team, "developer")


@pytest.fixture
def member(make_user, team):
    """A viewer of the team: reads, changes nothing."""
    return make_user("member", team, "viewer")


@pytest.fixture
def stranger(make_user):
    return make_user("stranger")


@pytest.fixture
def as_user() -> Callable[..., Client]:
    """Return a browser client signed in as the given person."""

    def sign_in(user=None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api_as() -> Callable[..., APIClient]:
    """Return a REST client acting as the given person."""

    def act(user=None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.force_authenticate(user)
        return client

    return act


@pytest.fixture(autouse=True)
def _after_a_flush(request) -> None:
    """Give a committing test what a flush forgets: tables Django does not manage, rows that migrations wrote."""
    marker = request.node.get_closest_marker("django_db")
    if not (marker and marker.kwargs.get("transaction")) and "transactional_db" not in request.fixturenames:
        return
    request.getfixturevalue("transactional_db")
    from django.db import connection

    from apis.models import Environment

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE gateway_change, gateway_worker, usage_event, usage_staging, usage_quarantine, usage_dirty,"
            " usage_refused_minute RESTART IDENTITY"
        )
    Environment.objects.get_or_create(slug="production", defaults={"name": "Production"})
