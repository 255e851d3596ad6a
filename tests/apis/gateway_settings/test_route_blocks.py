from __future__ import annotations

import pytest

from apis.gateway_settings import find_problems, route_fields
from gateway.dataplane.records import RouteRecord

ISSUER = {
    "issuer": "https://login.example.com/",
    "audience": "orders",
    "jwks_url": "https://login.example.com/jwks.json",
    "applications": {"shop": "app_1"},
}


@pytest.mark.parametrize(
    ("settings", "pointer", "words"),
    [
        ({"routing": {"version_in": "cookie"}}, "/routing/version_in", "'cookie'"),
        ({"routing": {"version_in": "header"}}, "/routing/name", "None"),
        ({"routing": {"version_in": "header", "name": "Host"}}, "/routing/name", "itself"),
        ({"routing": {"version_in": "query", "name": "a b"}}, "/routing/name", "'a b'"),
        ({"routing": {"name": "v"}}, "/routing/name", "path"),
        ({"cors": {}}, "/cors/origins", "Name the origins"),
        ({"cors": {"origins": ["app.example.com"]}}, "/cors/origins/0", "'app.example.com'"),
        ({"cors": {"origins": ["*"], "credentials": True}}, "/cors/credentials", "act as its visitor"),
        ({"cors": {"origins": ["*"], "methods": ["get"]}}, "/cors/methods/0", "'get'"),
        ({"cors": {"origins": ["*"], "max_age_seconds": -1}}, "/cors/max_age_seconds", "-1"),
        ({"headers": {"request": {"set": {"Content-Length": "1"}}}}, "/headers/request/set/Content-Length", "itself"),
        ({"headers": {"request": {"set": {"X-A": "{secret}"}}}}, "/headers/request/set/X-A", "{secret}"),
        ({"headers": {"response": {"remove": "Server"}}}, "/headers/response/remove", "'Server'"),
        ({"headers": {"response": {"add": {"X-A": "a\nb"}}}}, "/headers/response/add/X-A", "one line"),
        ({"headers": {"both": {}}}, "/headers/both", "'both'"),
        ({"rewrite": {"prefix": "internal"}}, "/rewrite/prefix", "'internal'"),
        ({"rewrite": {"prefix": "/internal/"}}, "/rewrite/prefix", "slash"),
        ({"rewrite": {"paths": {"a": "/x/../y"}}}, "/rewrite/paths/a", "/x/../y"),
        ({"rewrite": {"query": {"set": {"a": 1}}}}, "/rewrite/query/set", "1"),
        ({"auth": {"jwt": {}}}, "/auth/jwt", "list"),
        ({"auth": {"jwt": [{**ISSUER, "issuer": ""}]}}, "/auth/jwt/0/issuer", "issuer"),
        ({"auth": {"jwt": [{**ISSUER, "jwks_url": "file:///x"}]}}, "/auth/jwt/0/jwks_url", "'file:///x'"),
        ({"auth": {"jwt": [{**ISSUER, "algorithms": ["HS256"]}]}}, "/auth/jwt/0/algorithms/0", "'HS256'"),
        ({"auth": {"jwt": [{**ISSUER, "algorithms": ["none"]}]}}, "/auth/jwt/0/algorithms/0", "'none'"),
        ({"auth": {"jwt": [{**ISSUER, "applications": {}}]}}, "/auth/jwt/0/applications", "application's id"),
        ({"auth": {"jwt": [{**ISSUER, "applications": {"a": "x"}}]}}, "/auth/jwt/0/applications/a", "'x'"),
        ({"auth": {"jwt": [{**ISSUER, "leeway": 9}]}}, "/auth/jwt/0/leeway", "'leeway'"),
        ({"sizes": {"max_query_bytes": 0}}, "/sizes/max_query_bytes", "0"),
        ({"sizes": {"max_body": 1}}, "/sizes/max_body", "'max_body'"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(settings, pointer, words):
    (problem, *_) = find_problems(settings)
    assert problem.pointer == pointer
    assert words in problem.detail


def test_valid_blocks_become_the_fields_of_a_route():
    settings = {
        "routing": {"version_in": "query", "name": "v", "default": True},
        "headers": {"request": {"set": {"X-A": "{plan}"}}},
        "cors": {"origins": ["https://a.example"]},
        "sizes": {"max_response_bytes": 10},
    }
    assert find_problems(settings) == []
    known = {"version_id": "v", "api_id": "a", "api_name": "A", "version": "v1", "kind": "rest", "state": "published"}
    route = RouteRecord(**known, base_path="/a", owner_team_id="t", **route_fields(settings))
    assert (route.version_in, route.version_name, route.is_default, route.max_response_bytes) == (
        "query",
        "v",
        True,
        10,
    )
    assert route.request_headers is not None and route.request_headers.set == (("X-A", "{plan}"),)
    assert route.response_headers is None
    assert route.cors is not None and route.cors.origins == ("https://a.example",)


def test_issuers_reach_the_route_and_key_places_stay_as_they_are():
    fields = route_fields({"auth": {"jwt": [ISSUER]}})
    assert set(fields) == {"issuers"}
    (record,) = fields["issuers"]
    assert (record.claim, record.algorithms, record.applications) == ("client_id", (), (("shop", "app_1"),))
    assert set(route_fields({"auth": {"basic": True}})) == {"key_places"}
