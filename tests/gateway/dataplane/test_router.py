"""The router: raw paths, one meaning each."""

from __future__ import annotations

import pytest

from gateway.dataplane.errors import BadRequest, MethodNotAllowed, OperationUnknown, RouteNotFound, VersionUnknown
from gateway.dataplane.records import OperationRecord, RouteRecord
from gateway.dataplane.router import Router, allowed_methods, compile_route, find_operation


def make(version_id: str = "ver_1", base_path: str = "/pay/orders", version: str = "v1", *paths: str, **fields):
    operations = tuple(OperationRecord(f"{m} {p}", m, p) for p in paths for m in ("GET", "POST"))
    known = {"api_id": "api_1", "api_name": "Orders", "kind": "rest", "state": "published", "owner_team_id": "t"}
    return compile_route(
        RouteRecord(
            version_id=version_id, version=version, base_path=base_path, operations=operations, **{**known, **fields}
        )
    )


def router(*routes) -> Router:
    made = Router()
    for route in routes:
        made.put(route.record.version_id, route)
    return made


def operation(found_router: Router, method: str, path: str) -> str:
    route, _, segments = found_router.find(path)
    found = find_operation(route, method, segments, path)
    return found.operation_id if found else "none"


PATHS = ("/", "/items", "/items/{id}", "/items/mine", "/files/{name}.json", "/{any}/x")
ORDERS = make("ver_1", "/pay/orders", "v1", *PATHS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/pay/orders/v1", "GET /"),
        ("/pay/orders/v1/", "GET /"),
        ("/pay/orders/v1/items/7", "GET /items/{id}"),
        ("/pay/orders/v1/items/mine", "GET /items/mine"),
        ("/pay/orders/v1/%69tems/mine", "GET /items/mine"),
        ("/pay/orders/v1/items/a%2Fb", "GET /items/{id}"),
        ("/pay/orders/v1/items/x", "GET /items/{id}"),
        ("/pay/orders/v1/files/a.json", "GET /files/{name}.json"),
        ("/pay/orders/v1/files/x", "GET /{any}/x"),
        ("/p%61y/orders/v1/items", "GET /items"),
    ],
)
def test_a_path_leads_to_the_most_literal_template(path: str, expected: str) -> None:
    assert operation(router(ORDERS), "GET", path) == expected


@pytest.mark.parametrize("path", ["/pay/orders/v1/files/.json", "/pay/orders/v1/items/", "/pay/orders/v1/items/7/8"])
def test_a_path_without_a_template_is_unknown(path: str) -> None:
    with pytest.raises(OperationUnknown):
        operation(router(ORDERS), "GET", path)


def test_an_escaped_slash_never_makes_a_segment_and_goes_upstream_as_it_came() -> None:
    _, remainder, segments = router(ORDERS).find("/pay/orders/v1/items/a%2fb%7e")
    assert (remainder, segments) == ("/items/a%2fb%7e", ["items", "a%2Fb~"])


@pytest.mark.parametrize(
    "path",
    [
        "/pay/orders/v1/../v2",
        "/pay/orders/v1/%2e%2E/v2",
        "/pay/./orders/v1",
        "/pay/orders/v1/.%2e",
        "/pay/orders/v1/a\\b",
        "/pay/orders/v1/a%2",
        "/pay/orders/v1/a%zz",
        "/pay/orders/v1/caf\xe9",
        "*",
        "pay/orders",
    ],
)
def test_a_path_that_two_readers_could_read_differently_is_refused(path: str) -> None:
    with pytest.raises(BadRequest):
        router(ORDERS).find(path)


def test_the_longest_base_path_that_has_the_version_wins() -> None:
    found = router(ORDERS, make("ver_2", "/pay", "orders", "/v1"), make("ver_3", "/pay/orders/v1", "v9", "/"))
    assert found.find("/pay/orders/v1/v9")[0].record.version_id == "ver_3"
    assert found.find("/pay/orders/v1/items")[0].record.version_id == "ver_1"
    assert found.find("/pay/orders/v7")[0].record.version_id == "ver_2"
    found.remove("ver_2")
    with pytest.raises(VersionUnknown) as refusal:
        found.find("/pay/orders/v7")
    assert "/pay/orders has no version 'v7'" in refusal.value.detail


def test_the_empty_base_path_serves_its_versions_alone() -> None:
    found = router(ORDERS, make("ver_ai", "", "v1", "/chat/completions", kind="model"))
    assert operation(found, "POST", "/v1/chat/completions") == "POST /chat/completions"
    with pytest.raises(RouteNotFound) as refusal:
        found.find("/v2/chat/completions")
    assert refusal.value.code == "route-not-found"


def test_an_unknown_version_names_those_that_everyone_may_see() -> None:
    found = router(ORDERS, make("ver_2", "/pay/orders", "v3", "/", visibility="teams"))
    with pytest.raises(VersionUnknown) as refusal:
        found.find("/pay/orders/v2/items")
    assert "it has v1." in refusal.value.detail
    assert "v3" not in refusal.value.detail


def test_head_falls_back_to_get_and_a_wrong_method_says_which_are_right() -> None:
    found = router(ORDERS)
    assert operation(found, "HEAD", "/pay/orders/v1/items") == "GET /items"
    assert operation(found, "OPTIONS", "/pay/orders/v1/items") == "none"
    with pytest.raises(MethodNotAllowed) as refusal:
        operation(found, "DELETE", "/pay/orders/v1/items")
    assert refusal.value.headers == [(b"allow", b"GET, HEAD, OPTIONS, POST")]
    assert allowed_methods(ORDERS, ["nowhere"]) == []


def test_an_address_held_by_another_version_is_refused_and_both_stay_as_they_were() -> None:
    found = router(ORDERS)
    with pytest.raises(ValueError, match="held by ver_1"):
        found.put("ver_2", make("ver_2", "/pay/orders", "v1", "/"))
    assert found.find("/pay/orders/v1")[0] is ORDERS


def test_a_version_that_moves_leaves_its_old_address() -> None:
    found = router(ORDERS)
    found.put("ver_1", make("ver_1", "/pay/sales", "v1", "/"))
    assert operation(found, "GET", "/pay/sales/v1") == "GET /"
    with pytest.raises(RouteNotFound):
        found.find("/pay/orders/v1")
    found.remove("ver_1")
    with pytest.raises(RouteNotFound):
        found.find("/pay/sales/v1")


def test_a_deprecated_version_carries_its_dates_and_links_and_no_line_break_gets_through() -> None:
    route = make(
        state="deprecated",
        deprecated_at=1_688_169_599.0,
        sunset_at=1_719_791_999.0,
        docs_url="https://dev.example/d\r\nx: y",
        successor_path="/pay/orders/v2",
    )
    assert dict(route.state_headers) == {
        b"deprecation": b"@1688169599",
        b"sunset": b"Sun, 30 Jun 2024 23:59:59 GMT",
        b"link": b'<https://dev.example/d??x: y>; rel="deprecation"; type="text/html", '
        b'</pay/orders/v2>; rel="successor-version"',
    }
