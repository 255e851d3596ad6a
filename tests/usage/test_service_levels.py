"""The measured service level: who is at fault decides what counts, and few calls say nothing."""

import pytest

from usage.selectors import measured_level

from .conftest import finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def called(ship, roll_up, call_between):
    """Eight good calls, one that the upstream failed, and three that are their callers' own affair."""
    ship(
        *(finished(call_between(total_ms=10.0)) for _ in range(8)),
        finished(call_between(total_ms=10.0, status=502, fault="upstream", code="upstream-invalid")),
        finished(call_between(status=400, fault="caller", code="invalid-request")),
        finished(call_between(status=429, fault="policy", code="limit-reached")),
        finished(call_between(status=429, fault="policy", code="limit-reached")),
    )
    roll_up()


def test_few_calls_say_nothing(called, version):
    level = measured_level(version)
    assert (level.availability, level.p50_ms, level.p95_ms) == (None, None, None)


def test_only_failures_of_gateway_and_upstream_count(called, version, monkeypatch):
    monkeypatch.setattr("usage.selectors.service_levels.LEAST_CALLS", 9)
    level = measured_level(version)
    assert level.availability == pytest.approx(8 / 9)
    assert level.p50_ms == pytest.approx(10, rel=0.05)


def test_whoever_sees_the_version_sees_its_level(called, version, shop, stranger, api_as, monkeypatch):
    monkeypatch.setattr("usage.selectors.service_levels.LEAST_CALLS", 9)
    url = f"/api/v1/versions/{version.public_id}/service-level"
    assert api_as(shop.buyer).get(url).json()["availability"] == pytest.approx(8 / 9)
    version.api.visibility = "private"
    version.api.save()
    assert api_as(stranger).get(url).status_code == 404


def test_the_catalog_never_rounds_up_to_all(called, version, shop, as_user, monkeypatch):
    monkeypatch.setattr("usage.selectors.service_levels.LEAST_CALLS", 9)
    page = as_user(shop.buyer).get(f"/catalog/{version.api.team.slug}/{version.api.slug}/{version.name}")
    assert "88.88 %" in page.content.decode()
