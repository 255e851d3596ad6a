"""Filters that every list may use."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("moment", ["0375-03-14T12:13:00+22:33", "2026-11-27T10:00:00-23:59", "2026-11-27"])
def test_any_offset_is_a_moment(admin, api_as, moment):
    assert api_as(admin).get("/api/v1/audit", {"since": moment}).status_code == 200


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "yesterday"])
def test_what_is_no_moment_is_refused_by_its_field(admin, api_as, moment):
    answer = api_as(admin).get("/api/v1/audit", {"until": moment})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/until"
