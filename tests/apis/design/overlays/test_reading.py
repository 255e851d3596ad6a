import pytest

from apis.design.overlays import MAX_ACTIONS, MAX_OVERLAY_BYTES, parse_overlay
from apis.design.problems import DesignError

HEAD = "overlay: 1.1.0\ninfo: {title: T, version: 1.0.0}\nactions:\n"


def refusal(text: str) -> list[str]:
    with pytest.raises(DesignError) as caught:
        parse_overlay(text)
    return [f"{finding.pointer} {finding.message}" for finding in caught.value.findings]


def test_yaml_and_json_are_read_alike():
    written = parse_overlay(f"{HEAD}- target: $.info\n  update: {{title: New}}\n- target: $.tags\n  remove: true\n")
    json = (
        '{"overlay": "1.1.0", "info": {"title": "T", "version": "1.0.0"}, "actions": '
        '[{"target": "$.info", "update": {"title": "New"}}, {"target": "$.tags", "remove": true}]}'
    )
    assert written == parse_overlay(json)
    assert [(action.number, action.kind) for action in written.actions] == [(1, "update"), (2, "remove")]
    assert written.title == "T"
    assert written.minor == 1


def test_patches_of_both_versions_are_read_and_others_named():
    assert parse_overlay(HEAD.replace("1.1.0", "1.0.7", 1) + "- {target: $, update: {}}").minor == 0
    for version, shown in (("1.2.0", '"1.2.0"'), ("1.1", "1.1"), ("2.0.0", '"2.0.0"')):
        (text,) = refusal(HEAD.replace("1.1.0", version, 1) + "- {target: $, update: {}}")
        assert shown in text
        assert text.startswith("/overlay ")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("{update: {}}", "target is null"),
        ("{target: 7, update: {}}", "target is 7"),
        ("{target: '$.info'}", "does nothing"),
        ("{target: '$.info', remove: false}", "does nothing"),
        ("{target: '$.info', remove: 'yes'}", 'remove is "yes"'),
        ("{target: '$.info', update: {}, remove: true}", "exclude each other"),
        ("{target: '$.info', update: {}, copy: '$.a'}", "exclude each other"),
        ("{target: '$.info', copy: 1}", "copy is 1"),
        ("{target: '$.info', copy: 'info'}", "no JSONPath"),
        ("{target: '$.info', delete: true}", 'no field "delete"'),
        ("{target: '$.paths[', remove: true}", "no JSONPath"),
        ("{target: '$[?@ =~ /(a+)+b/]', remove: true}", "no JSONPath"),
        ("{target: '^.a', remove: true}", "no JSONPath"),
        ("{target: '$.~a', remove: true}", "no JSONPath"),
        ("{target: \"$[?'a' in @.b]\", remove: true}", "no JSONPath"),
        ("{target: 'info', remove: true}", "no JSONPath"),
        ("{target: '$.a | $.b', remove: true}", "no JSONPath"),
        ("{target: '$.info', description: 1, remove: true}", "description is 1"),
        ("remove", 'it is "remove", not an object'),
    ],
)
def test_a_wrong_action_is_named_by_number_and_value(action, said):
    texts = refusal(f"{HEAD}- {{target: $.a, remove: true}}\n- {action}\n")
    assert any(text.startswith("/actions/1 Action 2: ") and said in text for text in texts), texts


def test_errors_carry_their_lines():
    with pytest.raises(DesignError) as caught:
        parse_overlay(f"{HEAD}- target: $.info\n  update: {{}}\n- target: nothing\n  remove: true\n")
    assert [finding.line for finding in caught.value.findings] == [6]


def test_copy_is_of_1_1_alone_and_remove_goes_before_update_in_1_0():
    old = HEAD.replace("1.1.0", "1.0.0", 1)
    assert "came with Overlay 1.1" in refusal(f"{old}- {{target: $.a, copy: $.b}}")[0]
    assert parse_overlay(f"{old}- {{target: $.a, update: {{}}, remove: true}}").actions[0].kind == "remove"


def test_actions_are_there_differ_and_are_not_too_many():
    assert "at least one action" in refusal(HEAD + "  []")[0]
    same = "- {target: $.a, remove: true}\n"
    assert "same as action 1" in refusal(HEAD + same + same)[0]
    many = "".join(f"- {{target: $.a{n}, remove: true}}\n" for n in range(MAX_ACTIONS + 1))
    assert str(MAX_ACTIONS) in refusal(HEAD + many)[0]


def test_head_is_checked_and_extensions_are_kept_out_of_the_way():
    assert "info is missing" in refusal("overlay: 1.1.0\nactions:\n- {target: $, update: {}}\n")[0]
    assert "info.version is 1" in refusal(HEAD.replace("1.0.0}", "1}") + "- {target: $, update: {}}")[0]
    assert 'no field "servers"' in refusal(f"{HEAD}- {{target: $, update: {{}}}}\nservers: []\n")[0]
    assert "extends is 1" in refusal(f"{HEAD}- {{target: $, update: {{}}}}\nextends: 1\n")[0]
    assert parse_overlay(f"{HEAD}- {{target: $, update: {{}}, x-why: a}}\nx-team: b\nextends: ./openapi.yaml\n")


def test_what_is_no_overlay_says_so():
    assert "empty" in refusal("  ")[0]
    assert "a list" in refusal("[]")[0]
    assert "256 KB" in refusal("a" * (MAX_OVERLAY_BYTES + 1))[0]
    assert "stands twice" in refusal(f"{HEAD}- {{target: $, update: {{}}}}\noverlay: 1.1.0\n")[0]
