"""schema: a value against a JSON Schema, in the engine that also bounds its patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from apis.lint.spectral.functions.target import Function, Options, Said, Target, known_options
from apis.lint.spectral.patterns import OPTIONS
from apis.lint.spectral.values import UNDEFINED, print_value

DIALECTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
MOST_ERRORS = 20
LONGEST = 200


def _retrieve(address: str) -> Any:
    """Refuse what lies elsewhere: a rule fetches nothing."""
    raise ValueError(f"{address} is not fetched")


@lru_cache(maxsize=500)
def _validator(schema: bytes, dialect: str) -> Any:
    made = orjson.loads(schema)
    if dialect != "auto":
        made["$schema"] = DIALECTS[dialect]
    elif made.get("$schema", "").rstrip("#") not in {known.rstrip("#") for known in DIALECTS.values()}:
        made["$schema"] = DIALECTS["draft7"]
    return jsonschema_rs.validator_for(made, pattern_options=OPTIONS, retriever=_retrieve, validate_formats=True)


def _of(options: Options) -> Any:
    return _validator(orjson.dumps(options["schema"]), options.get("dialect", "auto"))


def _schema(target: Target, options: Options) -> Iterator[Said]:
    if target.value is UNDEFINED:
        yield Said("must exist", "property")
        return
    most = MOST_ERRORS if options.get("allErrors") is True else 1
    for error in islice(_of(options).iter_errors(target.terrain.whole(target.value)), most):
        yield from _worded(error)


def _worded(error: Any) -> Iterator[Said]:
    """Say what is wrong without the whole value: it may be long, and the place is named beside it."""
    name, way = error.kind.name, tuple(error.instance_path)
    if name == "falseSchema" and way and "additionalProperties" in map(str, error.schema_path):
        yield Said(f'Property "{way[-1]}" is not expected to be here', "", way[:-1])
    elif name == "additionalProperties":
        for unexpected in error.kind.unexpected:
            yield Said(f'Property "{unexpected}" is not expected to be here', "", way)
    elif name in WORDS:
        yield Said(WORDS[name](error.kind.value)[:LONGEST], "property", way)
    else:
        yield Said(error.message[:LONGEST], "", way)


WORDS: dict[str, Callable[[Any], str]] = {
    "type": lambda types: f"type must be {','.join(types)}",
    "required": lambda name: f'must have required property "{name}"',
    "enum": lambda values: f"must be equal to one of the allowed values: {', '.join(map(print_value, values))}",
    "const": lambda value: "must be equal to constant",
    "minProperties": lambda limit: f"must not have fewer than {limit} properties",
    "maxProperties": lambda limit: f"must not have more than {limit} properties",
    "minItems": lambda limit: f"must not have fewer than {limit} items",
    "maxItems": lambda limit: f"must not have more than {limit} items",
    "minLength": lambda limit: f"must not have fewer than {limit} characters",
    "maxLength": lambda limit: f"must not have more than {limit} characters",
    "minimum": lambda limit: f"must be >= {limit}",
    "maximum": lambda limit: f"must be <= {limit}",
    "exclusiveMinimum": lambda limit: f"must be > {limit}",
    "exclusiveMaximum": lambda limit: f"must be < {limit}",
    "multipleOf": lambda number: f"must be multiple of {number}",
    "pattern": lambda pattern: f'must match pattern "{pattern}"',
    "format": lambda name: f'must match format "{name}"',
    "not": lambda schema: "must not be valid",
    "oneOf": lambda errors: "must match exactly one schema in oneOf",
    "anyOf": lambda errors: "must match a schema in anyOf",
    "uniqueItems": lambda nothing: "must not have duplicate items",
}


def _check_schema(options: Any) -> str:
    if wrong := known_options(options, ("schema", "dialect", "allErrors"), ("schema",)):
        return wrong
    if not isinstance(options["schema"], dict):
        return "needs a JSON Schema, an object, in 'schema'"
    if (dialect := options.get("dialect", "auto")) not in ("auto", *DIALECTS):
        return f"does not know the dialect {dialect!r}; there are auto, {', '.join(DIALECTS)}"
    if not isinstance(options.get("allErrors", False), bool):
        return "needs true or false in 'allErrors'"
    try:
        _of(options)
    except (ValueError, TypeError) as error:
        return f"cannot use its schema: {str(error).splitlines()[0][:LONGEST]}"
    return ""


FUNCTIONS = {"schema": Function(_schema, _check_schema)}
