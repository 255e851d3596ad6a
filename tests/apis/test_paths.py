import pytest

from apis.paths import RESERVED_SEGMENTS, check_base_path, propose_base_path
from common.errors import Invalid

RESERVED = (
    "v1 v1beta v1alpha providers mcp oauth problems .well-known livez readyz metrics api admin static collections"
)


def test_the_reserved_segments_are_those_of_the_promise():
    assert frozenset(RESERVED.split()) == RESERVED_SEGMENTS


@pytest.mark.parametrize("segment", sorted(RESERVED_SEGMENTS))
def test_no_base_path_begins_with_a_reserved_segment(segment):
    with pytest.raises(Invalid):
        check_base_path(f"/{segment}/orders")
    assert check_base_path(propose_base_path(segment.strip("."), "orders"))


@pytest.mark.parametrize(
    "path",
    ["", "/", "orders", "/Orders", "/a//b", "/a/../b", "/a/./b", "/a b", "/a%2fb", "/a/v2", "/a/b/c/d/e", "/a?b", "/é"],
)
def test_a_wrong_path_is_refused_with_its_pointer(path):
    with pytest.raises(Invalid) as caught:
        check_base_path(path)
    assert caught.value.errors[0]["pointer"] == "/base_path"


def test_a_good_path_loses_its_trailing_slash_only():
    assert check_base_path("/payments/orders/") == "/payments/orders"
    assert check_base_path(" /a.b/c-d_e~1 ") == "/a.b/c-d_e~1"


def test_the_proposed_path_is_always_a_good_one():
    for team in ("payments", "api", "v1", "v2"):
        for api in ("orders", "v1", "api"):
            path = propose_base_path(team, api)
            assert check_base_path(path) == path
