"""Gateway settings that callers notice, each both ways."""

from __future__ import annotations

from typing import Any

import pytest

from apis.diff.settings import compare_body_limit, compare_settings

ISSUER = {
    "issuer": "https://login",
    "audience": "orders",
    "jwks_url": "https://login/jwks",
    "applications": {"a": "app_1"},
}


def jwt(**fields: Any) -> dict[str, Any]:
    return {"auth": {"jwt": [{**ISSUER, **fields}]}}


ROWS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"auth": {"key_header": "X-Key"}}, {}, "key-place-removed", ""),
    ({"auth": {"key_query": "key"}}, {"auth": {"key_query": "k"}}, "key-place-removed", "key-place-removed"),
    ({"auth": {"basic": True}}, {"auth": {"basic": False}}, "key-place-removed", ""),
    (jwt(), {}, "issuer-removed", ""),
    (jwt(), jwt(audience="other"), "issuer-narrowed", "issuer-narrowed"),
    (jwt(), jwt(algorithms=["ES256"]), "issuer-narrowed", ""),
    (jwt(algorithms=["ES256", "RS256"]), jwt(algorithms=["ES256"]), "issuer-narrowed", ""),
    (jwt(applications={"a": "app_1", "b": "app_2"}), jwt(), "issuer-narrowed", ""),
    ({"sizes": {"max_query_bytes": 9}}, {"sizes": {"max_query_bytes": 8}}, "size-lowered", ""),
    ({}, {"sizes": {"max_query_bytes": 8}}, "size-set", ""),
    ({}, {"routing": {"version_in": "header", "name": "V"}}, "version-place-changed", "version-place-changed"),
    ({"routing": {"default": True}}, {}, "default-removed", ""),
    ({"cors": {"origins": ["https://a", "https://b"]}}, {"cors": {"origins": ["https://a"]}}, "origin-removed", ""),
    ({"cors": {"origins": ["*"]}}, {}, "origin-removed", ""),
    ({"cors": {"origins": ["https://a"]}}, {"cors": {"origins": ["*"]}}, "", "origin-removed"),
    ({}, {"upstream": {"targets": []}, "rewrite": {"prefix": "/x"}}, "", ""),
]


@pytest.mark.parametrize(("old", "new", "there", "back"), ROWS)
def test_each_setting_is_judged_both_ways(old, new, there, back):
    assert [finding.code for finding in compare_settings(old, new)] == ([there] if there else [])
    assert [finding.code for finding in compare_settings(new, old)] == ([back] if back else [])
    assert compare_settings(old, old) == compare_settings(new, new) == []


def test_a_smaller_body_breaks_and_a_larger_one_does_not():
    (finding,) = compare_body_limit(100, 10)
    assert (finding.level, finding.text) == ("breaking", "max_body_bytes went from 100 down to 10 bytes.")
    assert compare_body_limit(10, 100) == compare_body_limit(10, 10) == []
