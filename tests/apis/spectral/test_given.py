import time

import pytest

from apis.lint.spectral.given import BadPath, compile_given, find_places
from apis.lint.spectral.patterns import Pattern
from apis.lint.spectral.places import Terrain

DOCUMENT = {
    "info": {"title": "T", "x-a.b": 1},
    "paths": {
        "/a": {"get": {"parameters": [{"in": "query", "name": "q"}, {"in": "path", "name": "p"}]}, "summary": "s"},
        "/x-b": {"post": {"tags": ["one", "two"], "responses": {"200": {}, "404": {}}}},
    },
    "components": {"schemas": {"Loop": {"properties": {"next": {"$ref": "#/components/schemas/Loop"}}}}},
}


def found(given, *, is_resolved=True):
    terrain = Terrain(DOCUMENT, is_resolved=is_resolved)
    return ["/".join(map(str, place.location)) for place in find_places(terrain, compile_given(given))]


def values(given):
    return [place.value for place in find_places(Terrain(DOCUMENT, is_resolved=True), compile_given(given))]


@pytest.mark.parametrize(
    ("given", "locations"),
    [
        ("$", [""]),
        ("$.info.title", ["info/title"]),
        ("$['info']['x-a.b']", ["info/x-a.b"]),
        ("$.paths[*][get,post]", ["paths//a/get", "paths//x-b/post"]),
        ("$.paths.*['get', \"post\"]", ["paths//a/get", "paths//x-b/post"]),
        ("$.paths.[*].[*].tags[0]", ["paths//x-b/post/tags/0"]),
        ("$..tags[-1]", ["paths//x-b/post/tags/1"]),
        ("$..tags[(@.length-1)]", ["paths//x-b/post/tags/1"]),
        ("$..tags[0:1]", ["paths//x-b/post/tags/0"]),
        ("$..parameters[?(@.in == 'query')].name", ["paths//a/get/parameters/0/name"]),
        ("$..parameters[?(@.in === 'query' || @.name === 'p')]",
         ["paths//a/get/parameters/0", "paths//a/get/parameters/1"]),
        ("$.paths[?(@property.match(/^\\/x-/i))]", ["paths//x-b"]),
        ("$.paths[?(!@property.match(/^\\/x-/) && @.get)]", ["paths//a"]),
        ("$.paths[*][?( @property !== 'summary' )]", ["paths//a/get", "paths//x-b/post"]),
        ("$..responses[?(@property >= 400 && @property < 500)]", ["paths//x-b/post/responses/404"]),
        ("$..responses[?(/^2/.test(@property))]", ["paths//x-b/post/responses/200"]),
        ("$..[?(@property === 'tags' && @.length > 1)]", ["paths//x-b/post/tags"]),
        ("$..[?(@ && @.in && @.in.includes('at'))]", ["paths//a/get/parameters/1"]),
        ("$..[?(@parentProperty === 'tags')]", ["paths//x-b/post/tags/0", "paths//x-b/post/tags/1"]),
        ("$..name^", ["paths//a/get/parameters/0", "paths//a/get/parameters/1"]),
        ("$.paths[?(@.get === void 0)]", ["paths//x-b"]),
        ("$.nothing", []),
    ],
)  # fmt: skip
def test_a_path_leads_to_its_places(given, locations):
    assert found(given) == locations


def test_keys_are_taken_with_a_tilde():
    assert values("$.paths[*]~") == ["/a", "/x-b"]
    assert found("$.paths[*]~") == ["paths//a", "paths//x-b"]
    assert set(values("$..properties.~")) == {"properties"}


def test_references_are_followed_and_circles_end():
    assert found("$..next.properties.next") == ["components/schemas/Loop"]
    assert found("$..next.properties", is_resolved=False) == []
    assert found("$..$ref", is_resolved=False) == ["components/schemas/Loop/properties/next/$ref"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("paths", "begins with $"),
        ("$.paths[", "does not end"),
        ("$.", "a name is missing"),
        ("$..", "is missing after .."),
        ("$.paths[?(@.a = 1)]", "in its filter"),
        ("$.paths[?(require('fs'))]", "in its filter"),
        ("$.paths[?(@.constructor.call())]", "the function call() is not known"),
        ("$.paths[?(@strange)]", "@strange is not known"),
        ("$.a['b' 'c']", "a comma is missing"),
        ("$" + ".a" * 61, "more than 60 parts"),
        ("$." + "a" * 2001, "at most 2,000"),
        (f"$[?({'(' * 60}1{')' * 60})]", "nested deeper"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named(given, words):
    with pytest.raises(BadPath) as caught:
        compile_given(given)
    assert words in str(caught.value)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(?=(a|aa)+$)(a|aa)+b", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_no_pattern_takes_long(pattern):
    started = time.monotonic()
    Pattern(pattern).is_in("a" * 20_000 + "!")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "is_there"),
    [
        ("^(\\/|[a-z0-9-]+|{[^}]+})+$", "", "/a/{b}", True),
        ("^[a-z]{2,3}$", "i", "ABC", True),
        ("[[&]x", "", "[x", True),
        ("(?<year>[0-9]+)-", "i", "2026-", True),
        ("^(?!.*admin)", "i", "an ADMIN", False),
        ("\\bid\\b", "", "the id", True),
    ],
)  # fmt: skip
def test_patterns_are_those_of_javascript(pattern, flags, text, is_there):
    assert Pattern(pattern, flags).is_in(text) is is_there
