"""Each core function and each of its options, both ways."""

import pytest

from apis.lint.spectral.functions import CORE, Target
from apis.lint.spectral.places import Terrain
from apis.lint.spectral.values import UNDEFINED


def said(name, value, options=None, document=None):
    function = CORE[name]
    assert function.check(options) == ""
    target = Target(value, Terrain(document or {}, is_resolved=True))
    return [one.text for one in function.judge(target, options or {})]


def test_the_core_functions_are_there():
    assert set(CORE) == {
        "alphabetical", "casing", "defined", "enumeration", "falsy", "length", "or", "pattern", "schema", "truthy",
        "typedEnum", "undefined", "unreferencedReusableObject", "xor",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "good", "bad"),
    [
        ("truthy", None, ["x", 1, {}, [], True], ["", 0, None, False, UNDEFINED]),
        ("falsy", None, ["", 0, None, False, UNDEFINED], ["x", 1, {}, []]),
        ("defined", None, [None, 0, ""], [UNDEFINED]),
        ("undefined", None, [UNDEFINED], [None, 0, "", {}]),
        ("length", {"min": 2}, ["ab", [1, 2], {"a": 1, "b": 2}, 2, 2.5], ["a", [1], {"a": 1}, 1]),
        ("length", {"max": 2}, ["ab", [], {}, -1], ["abc", [1, 2, 3], 3]),
        ("pattern", {"match": "^a"}, ["ab"], ["ba", ""]),
        ("pattern", {"notMatch": "a$"}, ["ab"], ["ba"]),
        ("pattern", {"match": "/^A.b$/is"}, ["axB", "a\nB"], ["ab"]),
        ("pattern", {"match": "/^b/m"}, ["a\nb"], ["ab"]),
        ("enumeration", {"values": ["a", 1, None, True]}, ["a", 1, 1.0, None, True], ["b", 2, "1", False]),
        ("or", {"properties": ["a", "b"]}, [{"a": 1}, {"b": None, "a": 1}], [{}, {"c": 1}]),
        ("xor", {"properties": ["a", "b"]}, [{"a": 1}, {"b": 1, "c": 1}], [{}, {"a": 1, "b": 1}]),
        ("alphabetical", None, [["a", "b"], ["a"], ["2", "10"], {"a": 1, "b": 2}, ["a", "B", "c"]],
         [["b", "a"], ["10", "2"], {"b": 1, "a": 1}, [{"a": 1}, {"a": 2}]]),
        ("alphabetical", {"keyedBy": "n"}, [[{"n": "a"}, {"n": "b"}]],
         [[{"n": "b"}, {"n": "a"}], ["a", "b"], [{}, {}]]),
        ("typedEnum", None,
         [{"enum": ["a"], "type": "string"}, {"enum": [1, None], "type": ["integer", "null"]}, {"enum": [1]}],
         [{"enum": [1], "type": "string"}, {"enum": [1.5], "type": "integer"}]),
        ("schema", {"schema": {"type": "string", "minLength": 2}}, ["ab"], ["a", 1, UNDEFINED]),
        ("schema", {"schema": {"exclusiveMinimum": True, "minimum": 1}, "dialect": "draft4"}, [2], [1]),
        ("schema", {"schema": {"dependentRequired": {"a": ["b"]}}, "dialect": "draft2020-12"},
         [{"a": 1, "b": 1}], [{"a": 1}]),
    ],
)  # fmt: skip
def test_a_function_passes_what_is_right_and_names_what_is_not(name, options, good, bad):
    assert {str(value): said(name, value, options) for value in good} == {str(value): [] for value in good}
    assert all(said(name, value, options) for value in bad)


CASES = {
    "flat": ("abc1", "aBc"), "camel": ("abcDef1", "AbcDef"), "pascal": ("AbcDef", "abcDef"), "kebab": ("ab-c1", "ab_c"),
    "cobol": ("AB-C1", "ab-c"), "snake": ("ab_c1", "ab-c"), "macro": ("AB_C1", "ab_c"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_casings(case):
    good, bad = CASES[case]
    assert said("casing", good, {"type": case}) == []
    assert said("casing", bad, {"type": case}) == [f"must be {case} case"]
    assert said("casing", "", {"type": case}) == []


def test_casing_without_digits_and_with_a_separator():
    assert said("casing", "abc1", {"type": "camel"}) == []
    assert said("casing", "abc1", {"type": "camel", "disallowDigits": True})
    header = {"type": "pascal", "separator": {"char": "-"}}
    assert said("casing", "Content-Type", header) == []
    assert said("casing", "-Content-Type", header)
    assert said("casing", "-Content-Type", {**header, "separator": {"char": "-", "allowLeading": True}}) == []
    assert said("casing", "/", {"type": "flat", "separator": {"char": "/", "allowLeading": True}}) == []


def test_schema_names_the_first_error_or_all():
    options = {"schema": {"required": ["a", "b"]}}
    assert said("schema", {}, options) == ['must have required property "a"']
    assert len(said("schema", {}, {**options, "allErrors": True})) == 2


def test_what_no_reference_names():
    document = {"components": {"schemas": {"A": {}, "B/C": {"$ref": "#/components/schemas/A"}}}}
    options = {"reusableObjectsLocation": "#/components/schemas"}
    function = CORE["unreferencedReusableObject"]
    target = Target(document["components"]["schemas"], Terrain(document, is_resolved=False))
    assert [one.way for one in function.judge(target, options)] == [("B/C",)]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("truthy", {"a": 1}, "takes no functionOptions"),
        ("length", None, "needs functionOptions"),
        ("length", {}, "needs the option 'min' or 'max'"),
        ("length", {"min": "2"}, "needs a number in 'min'"),
        ("length", {"least": 2}, "does not know the option 'least'"),
        ("casing", {"type": "shout"}, "does not know the casing 'shout'"),
        ("casing", {"type": "flat", "separator": {"char": "ab"}}, "one character"),
        ("casing", {"type": "flat", "disallowDigits": "no"}, "true or false"),
        ("pattern", {}, "'match' or 'notMatch'"),
        ("pattern", {"match": "("}, "is no regular expression"),
        ("pattern", {"match": "/a/q"}, "the flag 'q'"),
        ("pattern", {"match": "a" * 3000}, "at most 2,000 characters"),
        ("enumeration", {"values": [{}]}, "texts, numbers"),
        ("or", {"properties": ["a"]}, "two names or more"),
        ("xor", None, "needs functionOptions with properties"),
        ("alphabetical", {"keyedBy": 1}, "a name in 'keyedBy'"),
        ("schema", {"schema": []}, "a JSON Schema, an object"),
        ("schema", {"schema": {}, "dialect": "draft99"}, "does not know the dialect"),
        ("schema", {"schema": {"type": "strange"}}, "cannot use its schema"),
        ("schema", {"schema": {"$ref": "http://127.0.0.1:9/x.json"}}, "cannot use its schema"),
        ("unreferencedReusableObject", {"reusableObjectsLocation": "components"}, "a place such as"),
    ],
)  # fmt: skip
def test_options_that_are_wrong_are_named(name, options, words):
    assert words in CORE[name].check(options)
