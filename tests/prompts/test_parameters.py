import pytest

from prompts.parameters import clean_parameters, find_parameters, template_problems


def test_names_are_found_in_order_and_once():
    assert find_parameters("{{b}} {{ a }} {{b}}", "{{c}}{{a}}") == ["b", "a", "c"]
    assert find_parameters("{{ a.b }} {a} {{1a}} {{}}") == []


def test_a_short_form_is_filled_up():
    rows, errors = clean_parameters([{"name": "text"}])
    assert errors == []
    assert rows == [
        {"name": "text", "type": "string", "is_required": True, "default": None, "values": [], "description": ""}
    ]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"name": "1a"}, "/parameters/0/name"),
        ({"name": "a b"}, "/parameters/0/name"),
        ({}, "/parameters/0/name"),
        ({"name": "a", "type": "date"}, "/parameters/0/type"),
        ({"name": "a", "type": "enum"}, "/parameters/0/values"),
        ({"name": "a", "type": "enum", "values": "red"}, "/parameters/0/values"),
        ({"name": "a", "type": "enum", "values": 5}, "/parameters/0/values"),
        ({"name": "a", "type": "enum", "values": ["x", 1]}, "/parameters/0/values"),
        ({"name": "a", "type": "enum", "values": ["x", "x"]}, "/parameters/0/values"),
        ({"name": "a", "type": "enum", "values": ["x"], "default": "y"}, "/parameters/0/default"),
        ({"name": "a", "type": "integer", "default": "3"}, "/parameters/0/default"),
        ({"name": "a", "type": "integer", "default": True}, "/parameters/0/default"),
        ({"name": "a", "type": "boolean", "default": 0}, "/parameters/0/default"),
        ({"name": "a", "is_required": "false"}, "/parameters/0/is_required"),
        ({"name": "a", "optional": True}, "/parameters/0"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(given, pointer):
    _, errors = clean_parameters([given])
    assert [error["pointer"] for error in errors] == [pointer]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "a", "type": "number", "default": 1},
        {"name": "a", "type": "boolean", "default": False},
        {"name": "a", "type": "enum", "values": ["x", "y"], "default": "y"},
    ],
)
def test_what_fits_is_taken(given):
    rows, errors = clean_parameters([given])
    assert errors == []
    assert rows[0]["default"] == given["default"]


def test_a_name_is_there_once_and_not_without_end():
    assert clean_parameters([{"name": "a"}, {"name": "a"}])[1][0]["pointer"] == "/parameters/1/name"
    assert "at most 50" in clean_parameters([{"name": f"a{n}"} for n in range(51)])[1][0]["detail"]


def test_text_and_parameters_must_agree():
    problems = template_problems({"system": "", "text": "{{known}} {{unknown}} {{not a name}}"}, ["known", "unused"])
    assert [(item["pointer"], item["detail"].split(" ")[0]) for item in problems] == [
        ("/text", "{{unknown}}"),
        ("/text", "{{not"),
        ("/parameters/1/name", "unused"),
    ]
