"""The rules of Overlay 1.0.0 and 1.1.0 §4.4.3, one by one."""

import copy
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.design.json_path import Budget, PathFinder, TooMuchWork
from apis.design.overlays import apply_overlay, apply_overlays, drop_unrouted, hidden_operations, parse_overlay

BASE = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1", "contact": {"name": "A"}},
    "tags": [{"name": "a"}, {"name": "b"}],
    "paths": {
        "/a": {"get": {"operationId": "getA", "tags": ["a", "old"], "parameters": [{"name": "p", "in": "query"}]}},
        "/b": {"get": {"operationId": "getB", "tags": ["b"]}, "post": {"operationId": "postB", "x-internal": True}},
    },
}


def overlay(*actions, version="1.1.0"):
    return parse_overlay(
        json.dumps({"overlay": version, "info": {"title": "T", "version": "1"}, "actions": list(actions)})
    )


def applied(*actions, version="1.1.0", document=None):
    before = copy.deepcopy(document or BASE)
    given = copy.deepcopy(before)
    result = apply_overlay(given, overlay(*actions, version=version))
    assert given == before, "the document itself changed"
    return result.document, [(finding.code, finding.message) for finding in result.findings[0]]


def test_objects_are_merged_recursively():
    update = {"info": {"title": "New", "contact": {"email": "a@b"}}, "x-new": [1]}
    document, found = applied({"target": "$", "update": update})
    assert document["info"] == {"title": "New", "version": "1", "contact": {"name": "A", "email": "a@b"}}
    assert document["x-new"] == [1]
    assert document["paths"] == BASE["paths"]
    assert found == []


def test_lists_inside_an_object_are_concatenated():
    document, _ = applied({"target": "$", "update": {"tags": [{"name": "c"}]}})
    assert [tag["name"] for tag in document["tags"]] == ["a", "b", "c"]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_a_list_takes_an_entry_or_a_list(version):
    document, _ = applied({"target": "$.tags", "update": {"name": "c"}}, version=version)
    assert [tag["name"] for tag in document["tags"]] == ["a", "b", "c"]
    document, _ = applied({"target": "$.tags", "update": [{"name": "c"}, {"name": "d"}]}, version=version)
    assert len(document["tags"]) == 4


def test_a_primitive_is_replaced_in_1_1_and_refused_in_1_0():
    action = {"target": "$.info.title", "update": "New"}
    assert applied(action)[0]["info"]["title"] == "New"
    document, ((code, text),) = applied(action, version="1.0.0")
    assert document == BASE
    assert code == "overlay-not-applied"
    assert text.startswith("Action 1 ($.info.title): ")
    assert '"Orders"' in text
    assert "overlay: 1.1.0" in text


@pytest.mark.parametrize(
    "action",
    [
        {"target": "$.info.title", "update": {"a": 1}},
        {"target": "$.info", "update": "text"},
        {"target": "$.info", "update": {"title": {"a": 1}}},
        {"target": "$.info", "update": {"contact": None}},
        {"target": "$", "update": {"tags": {"name": "c"}}},
        {"target": "$.paths.*.get.tags[0]", "update": []},
    ],
)
def test_what_cannot_be_merged_changes_nothing_and_says_so(action):
    document, ((code, text),) = applied(action)
    assert document == BASE
    assert code == "overlay-not-applied"
    assert "cannot be merged" in text


def test_nodes_of_one_action_are_of_one_kind():
    document, ((_, text),) = applied({"target": "$.info[*]", "update": "x"})
    assert document == BASE
    assert "objects and single values" in text


def test_an_action_is_applied_whole_or_not_at_all():
    wrong = {"target": "$.paths.*.*", "update": {"operationId": "x", "tags": "x"}}
    document, (found,) = applied(wrong, {"target": "$.info", "update": {"x-done": True}})
    assert document["paths"] == BASE["paths"]
    assert document["info"]["x-done"] is True
    assert found[1].startswith("Action 1")


def test_actions_see_what_those_before_them_did():
    document, found = applied(
        {"target": "$.tags", "remove": True},
        {"target": "$", "update": {"tags": [{"name": "new"}]}},
        {"target": "$.tags[0]", "update": {"description": "D"}},
    )
    assert document["tags"] == [{"name": "new", "description": "D"}]
    assert found == []


def test_zero_nodes_succeed_with_a_warning():
    document, ((code, text),) = applied({"target": "$.paths['/gone']", "update": {}})
    assert document == BASE
    assert code == "overlay-target-unmatched"
    assert "$.paths['/gone']" in text


def test_remove_takes_members_and_entries():
    document, _ = applied({"target": "$.paths.*[?@['x-internal'] == true]", "remove": True})
    assert "post" not in document["paths"]["/b"]
    document, _ = applied({"target": "$.paths.*.get.tags[?@ == 'old']", "remove": True})
    assert document["paths"]["/a"]["get"]["tags"] == ["a"]
    document, _ = applied({"target": "$.tags[0,1]", "remove": True})
    assert document["tags"] == []
    document, _ = applied({"target": "$..*", "remove": True})
    assert document == {}


def test_remove_of_a_primitive_is_refused_in_1_0_and_of_the_root_in_both():
    for version in ("1.0.0", "1.1.0"):
        document, ((_, text),) = applied({"target": "$", "remove": True}, version=version)
        assert document == BASE
        assert "whole document" in text
    assert applied({"target": "$.info.title", "remove": True}, version="1.0.0")[0] == BASE
    assert "title" not in applied({"target": "$.info.title", "remove": True})[0]["info"]


def test_copy_takes_one_node_into_each_target():
    document, _ = applied({"target": "$.paths['/b'].get", "copy": "$.paths['/a'].get"})
    assert document["paths"]["/b"]["get"]["tags"] == ["b", "a", "old"]
    assert document["paths"]["/b"]["get"]["operationId"] == "getA"
    assert applied({"target": "$.info.version", "copy": "$.info.title"})[0]["info"]["version"] == "Orders"
    for path, said in (("$.nothing", "selects nothing"), ("$.paths.*", "2 nodes")):
        document, ((_, text),) = applied({"target": "$.info", "copy": path})
        assert said in text
        assert document == BASE


def test_copies_share_nothing():
    actions = [
        {"target": "$.paths.*.get", "update": {"x-a": {"list": []}}},
        {"target": "$.paths['/a'].get['x-a'].list", "update": [1]},
    ]
    document, _ = applied(*actions)
    assert document["paths"]["/b"]["get"]["x-a"] == {"list": []}
    written = overlay(*actions)
    apply_overlay(BASE, written)
    assert apply_overlay(BASE, written).document == document


def test_move_is_update_copy_remove():
    document, found = applied(
        {"target": "$.paths", "update": {"/c": {}}},
        {"target": "$.paths['/c']", "copy": "$.paths['/a']"},
        {"target": "$.paths['/a']", "remove": True},
    )
    assert list(document["paths"]) == ["/b", "/c"]
    assert found == []


def test_overlays_are_applied_in_order_and_their_findings_kept_apart():
    first = overlay({"target": "$.info", "update": {"title": "First"}}, {"target": "$.no", "update": {}})
    second = overlay({"target": "$.info", "update": {"title": "Second"}})
    result = apply_overlays(BASE, [first, second])
    assert result.document["info"]["title"] == "Second"
    assert [len(found) for found in result.findings] == [1, 0]


def test_match_and_search_find_by_regular_expression():
    document, _ = applied({"target": "$.paths.*[?search(@.operationId, 'tB$')]", "remove": True})
    assert document["paths"]["/b"] == {}
    assert applied({"target": "$.paths.*[?match(@.operationId, 'get.')]", "remove": True})[0]["paths"]["/a"] == {}
    assert applied({"target": "$.paths.*[?match(@.operationId, 'get')]", "remove": True})[0] == BASE
    assert applied({"target": "$.paths.*[?match(@.operationId, '(')]", "remove": True})[0] == BASE


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "a*a*a*a*a*a*a*b", "(.*)*x", "a{1,1000}{1,1000}b"])
def test_no_pattern_hangs(pattern):
    document = {"x": {"text": "a" * 20_000}}
    started = time.perf_counter()
    applied({"target": f"$.x[?search(@, '{pattern}')]", "update": 1}, document=document)
    assert time.perf_counter() - started < 2


def test_work_is_bounded():
    deep = {"a": {str(n): {"b": [[n]] * 10} for n in range(200)}}
    for _ in range(20):
        deep = {"in": deep}
    with pytest.raises(TooMuchWork):
        PathFinder(Budget(50_000)).find("$..[?@..nothing]", deep)
    doubling = [{"target": "$", "update": {f"k{n}": {}}} for n in range(30)]
    doubling += [{"target": f"$.k{n}", "copy": "$"} for n in range(30)]
    _, found = applied(*doubling)
    assert found[-1][0] == "overlay-too-costly"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=20,
)
PATHS = st.sampled_from(
    ["$", "$.a", "$.*", "$..*", "$.a.b", "$..a", "$[0]", "$..[0]", "$..[?@.a]", "$..[?@ == 1]", "$..[-1]", "$..[0:2]"]
)
ACTIONS = st.one_of(
    st.fixed_dictionaries({"target": PATHS, "update": JSON}),
    st.fixed_dictionaries({"target": PATHS, "copy": PATHS}),
    st.fixed_dictionaries({"target": PATHS, "remove": st.just(True)}),
)


@given(
    st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4),
    st.lists(ACTIONS, min_size=1, max_size=5, unique_by=lambda item: json.dumps(item, sort_keys=True)),
    st.sampled_from(["1.0.0", "1.1.0"]),
)
def test_whatever_is_applied_ends_in_a_document_and_leaves_the_given_one(document, actions, version):
    if version == "1.0.0":
        actions = [action for action in actions if "copy" not in action]
    if actions:
        result, _ = applied(*actions, version=version, document=document)
        json.dumps(result)


def test_a_name_with_a_hyphen_is_read_without_quotes_too():
    # RFC 9535 has no such name, but overlays in the wild, and an example of Overlay 1.0.0, write it.
    assert "post" not in applied({"target": "$.paths.*[?@.x-internal]", "remove": True})[0]["paths"]["/b"]


def test_operations_the_gateway_does_not_route_are_left_out():
    document, _ = applied({"target": "$.paths", "update": {"/new": {"get": {}}, "/a": {"put": {}}}},
                          {"target": "$.paths['/b'].get", "remove": True})  # fmt: skip
    found = drop_unrouted(BASE, document)
    assert [finding.message.split(" is not")[0] for finding in found] == ["PUT /a", "GET /new"]
    assert list(document["paths"]) == ["/a", "/b"]
    assert list(document["paths"]["/a"]) == ["get"]
    assert hidden_operations(BASE, document) == [("GET", "/b")]
