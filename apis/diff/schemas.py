"""Compares two schemas (JSON Schema 2020-12) in one direction: `request` is what callers send, `response` what comes.

A schema is compared once for each pair and direction within an operation, so recursive ones come to an end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf

from apis.design.json_types import Json, JsonObject, as_list, as_object
from apis.diff.finding import Path, Report

REQUEST, RESPONSE = "request", "response"
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
# Keywords that ask for something by a rule of their own: whatever changes in them is taken for the worse.
OPAQUE = (
    "if", "then", "else", "not", "contains", "dependentRequired", "dependentSchemas", "patternProperties",
    "propertyNames", "unevaluatedProperties", "unevaluatedItems", "contentSchema", "contentEncoding",
    "contentMediaType", "multipleOf",
)  # fmt: skip
EXTENSIBLE = "x-extensible-enum"
# What `false` stands for.
NOTHING: JsonObject = {"not": {}}


def compare_schemas(report: Report, direction: str, old: Json, new: Json, at_old: Path, at_new: Path) -> None:
    """Let two schemas and all they hold be compared by `compare_pending`: a chain of them may be of any length."""
    report.pending.append((direction, old, new, at_old, at_new))


def compare_pending(report: Report) -> None:
    """Note what changed between all schemas that wait."""
    while report.pending:
        _compare(report, *report.pending.popleft())


def _compare(report: Report, direction: str, old: Json, new: Json, at_old: Path, at_new: Path) -> None:
    before, after = _schema(report.old_object, old), _schema(report.new_object, new)
    place = (id(before), id(after), direction)
    if place in report.seen or before == after == {}:
        return
    report.seen.add(place)
    note = _Note(report, direction, at_old, at_new)
    for compare in (_types, _format, _enum, _const, _bounds, _pattern, _opaque, _closed, _discriminator):
        compare(note, before, after)
    _properties(note, before, after)
    _items(note, before, after)
    _one_of(note, before, after)
    _any_of(note, before, after)
    _all_of(note, before, after)


class _Note:
    """Where the comparison stands, and how it tells what it finds."""

    def __init__(self, report: Report, direction: str, at_old: Path, at_new: Path) -> None:
        self.report, self.direction, self.at_old, self.at_new = report, direction, at_old, at_new
        self.is_request = direction == REQUEST

    def add(self, code: str, *more: str | int, **words: object) -> None:
        """Note a finding; its code without the direction."""
        self.report.add(f"{self.direction}-{code}", (*self.at_old, *more), (*self.at_new, *more), **words)

    def down(self, old: Json, new: Json, *more: str | int) -> None:
        """Compare what stands deeper."""
        compare_schemas(self.report, self.direction, old, new, (*self.at_old, *more), (*self.at_new, *more))


def _schema(resolve: Callable[[Json], JsonObject], value: Json) -> JsonObject:
    # `true`, like nothing at all, fits everything.
    return NOTHING if value is False else resolve(value)


def _type_set(schema: JsonObject) -> set[str]:
    given = schema.get("type")
    return {given} if isinstance(given, str) else {name for name in as_list(given) if isinstance(name, str)}


def _types(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = _type_set(old), _type_set(new)
    if ("null" in before) != ("null" in after) and before - {"null"} and after - {"null"}:
        note.add("became-nullable" if "null" in after else "became-not-nullable", "type")
        before, after = before - {"null"}, after - {"null"}
    if before == after:
        return
    words = {"old": _names(before), "new": _names(after)}
    if _fits(before, after):
        note.add("type-widened", "type", **words)
    elif _fits(after, before):
        note.add("type-narrowed", "type", **words)
    else:
        note.add("type-changed", "type", **words)


def _fits(narrow: set[str], wide: set[str]) -> bool:
    """Say whether all of one set's values are values of the other; none named means every one."""
    if not wide:
        return True
    if not narrow:
        return False
    return all(name in wide or (name == "integer" and "number" in wide) for name in narrow)


def _names(names: set[str]) -> str:
    return " or ".join(sorted(names)) or "any"


def _format(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = old.get("format"), new.get("format")
    if before == after:
        return
    words = {"old": before, "new": after}
    if note.is_request and after is None:
        note.add("format-removed", "format", **words)
    elif not note.is_request and before is None:
        note.add("format-added", "format", **words)
    else:
        note.add("format-changed", "format", **words)


def _key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _enum(note: _Note, old: JsonObject, new: JsonObject) -> None:
    for keyword in ("enum", EXTENSIBLE):
        before, after = old.get(keyword), new.get(keyword)
        if not isinstance(before, list) and not isinstance(after, list):
            continue
        if not isinstance(before, list) or not isinstance(after, list):
            if keyword == "enum":
                note.add("enum-added" if isinstance(after, list) else "enum-removed", keyword)
            continue
        known, kept = {_key(value) for value in before}, {_key(value) for value in after}
        for value in before:
            if _key(value) not in kept:
                note.add("enum-value-removed", keyword, value=value)
        is_foretold = not note.is_request and (keyword == EXTENSIBLE or EXTENSIBLE in old)
        for value in after:
            if _key(value) not in known:
                note.add("enum-value-added-extensible" if is_foretold else "enum-value-added", keyword, value=value)


def _const(note: _Note, old: JsonObject, new: JsonObject) -> None:
    if "const" not in old and "const" not in new:
        return
    before, after = old.get("const"), new.get("const")
    if "const" in old and "const" in new:
        if _key(before) != _key(after):
            note.add("const-changed", "const", old=before, new=after)
    elif "const" in old:
        note.add("const-removed", "const", old=before)
    else:
        note.add("const-changed" if note.is_request else "const-added", "const", old="none", new=after)


def _number(value: Json, missing: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else missing


def _bounds(note: _Note, old: JsonObject, new: JsonObject) -> None:
    for names, free, sign in ((UPPER, inf, 1), (LOWER, -inf, -1)):
        for name in names:
            # Below no length at all nothing is asked for.
            none = 0.0 if sign < 0 and name.startswith("min") and name != "minimum" else free
            before, after = _number(old.get(name), none) * sign, _number(new.get(name), none) * sign
            if before == after:
                continue
            words = {"name": name, "old": old.get(name, "nothing"), "new": new.get(name, "nothing")}
            if after > before:
                note.add("bound-relaxed", name, **words)
            elif note.is_request:
                note.add("bound-tightened" if name in old else "bound-set", name, **words)
    if old.get("uniqueItems", False) != new.get("uniqueItems", False):
        words = {"name": "uniqueItems", "old": old.get("uniqueItems", False), "new": new.get("uniqueItems", False)}
        if new.get("uniqueItems", False):
            if note.is_request:
                note.add("bound-tightened", "uniqueItems", **words)
        else:
            note.add("bound-relaxed", "uniqueItems", **words)


def _pattern(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = old.get("pattern"), new.get("pattern")
    if before == after:
        return
    words = {"old": before, "new": after}
    if not note.is_request or (before is not None and after is not None):
        note.add("pattern-changed", "pattern", **words)
    else:
        note.add("pattern-added" if before is None else "pattern-removed", "pattern", **words)


def _opaque(note: _Note, old: JsonObject, new: JsonObject) -> None:
    for name in OPAQUE:
        if name in old and name in new:
            if _key(old[name]) != _key(new[name]):
                note.add("keyword-changed", name, name=name)
        elif name in new:
            note.add("keyword-added", name, name=name)
        elif name in old:
            note.add("keyword-removed", name, name=name)


def _closed(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if note.is_request and (before is False) != (after is False):
        note.add("closed" if after is False else "opened", "additionalProperties")
    elif before is not False and after is not False and not (before is True and after is True):
        note.down({} if before is True else before, {} if after is True else after, "additionalProperties")


def _discriminator(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before = as_object(as_object(old.get("discriminator")).get("mapping"))
    after = as_object(as_object(new.get("discriminator")).get("mapping"))
    for name, target in before.items():
        if after.get(name) != target:
            note.add("discriminator-changed", "discriminator", name=name)


def _required(schema: JsonObject) -> set[str]:
    return {name for name in as_list(schema.get("required")) if isinstance(name, str)}


def _properties(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = as_object(old.get("properties")), as_object(new.get("properties"))
    was_required, is_required = _required(old), _required(new)
    hidden = "readOnly" if note.is_request else "writeOnly"
    for name in {**before, **after}:
        here = ("properties", name)
        was = name in before and not _flag(note.report.old_object(before[name]), hidden)
        now = name in after and not _flag(note.report.new_object(after[name]), hidden)
        if was and not now:
            if note.is_request:
                note.add("read-only-changed" if name in after else "property-removed", *here, name=name)
            else:
                kind = "required" if name in was_required else "optional"
                note.add(f"property-{kind}-removed", *here, name=name)
        elif now and not was:
            if not note.is_request and name in before and name in is_required:
                note.add("write-only-removed", *here, name=name)
            elif note.is_request and name in before:
                note.add("read-only-changed", *here, name=name)
            elif note.is_request:
                kind = "required" if name in is_required else "optional"
                note.add(f"property-{kind}-added", *here, name=name)
            else:
                note.add("property-added", *here, name=name)
        elif was and now:
            if (name in was_required) != (name in is_required):
                change = "required" if name in is_required else "optional"
                note.add(f"property-became-{change}", *here, name=name)
            note.down(before[name], after[name], *here)
    for name in (was_required ^ is_required) - before.keys() - after.keys():
        change = "required" if name in is_required else "optional"
        note.add(f"property-became-{change}", "required", name=name)


def _flag(schema: JsonObject, name: str) -> bool:
    return schema.get(name) is True


def _items(note: _Note, old: JsonObject, new: JsonObject) -> None:
    if "items" in old or "items" in new:
        note.down(old.get("items", {}), new.get("items", {}), "items")
    before, after = as_list(old.get("prefixItems")), as_list(new.get("prefixItems"))
    if bool(before) != bool(after):
        note.add("prefix-items-added" if after else "prefix-items-removed", "prefixItems")
    for index, (was, now) in enumerate(zip(before, after, strict=False)):
        note.down(was, now, "prefixItems", index)


def _pairs(
    note: _Note, before: list[Json], after: list[Json]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:  # fmt: skip
    """Match branches: by reference or content, then by title, then what is left by its order where as many are left."""
    pairs: list[tuple[int, int]] = []
    left, right = [*range(len(before))], [*range(len(after))]
    for identity in (_key, _title):
        for i in [*left]:
            name = identity(before[i])
            match = next((j for j in right if name and identity(after[j]) == name), None)
            if match is not None:
                pairs.append((i, match))
                left.remove(i)
                right.remove(match)
    if len(left) == len(right):
        pairs += zip(left, right, strict=True)
        left = right = []
    return pairs, left, right


def _title(value: Json) -> str:
    title = as_object(value).get("title")
    return title if isinstance(title, str) else ""


def _branches(note: _Note, keyword: str, before: list[Json], after: list[Json]) -> tuple[int, int]:
    """Compare matched branches; return how many were removed and added."""
    pairs, removed, added = _pairs(note, before, after)
    for i, j in pairs:
        compare_schemas(
            note.report, note.direction, before[i], after[j], (*note.at_old, keyword, i), (*note.at_new, keyword, j)
        )
    return len(removed), len(added)


def _one_of(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = as_list(old.get("oneOf")), as_list(new.get("oneOf"))
    if bool(before) != bool(after):
        note.add("one-of-added" if after else "one-of-removed", "oneOf")
        return
    removed, added = _branches(note, "oneOf", before, after)
    if removed:
        note.add("one-of-branch-removed", "oneOf")
    if added:
        note.add("one-of-branch-added", "oneOf")


def _any_of(note: _Note, old: JsonObject, new: JsonObject) -> None:
    before, after = as_list(old.get("anyOf")), as_list(new.get("anyOf"))
    if not note.is_request:
        if bool(before) == bool(after):
            removed, added = _branches(note, "anyOf", before, after)
        if bool(before) != bool(after) or removed or added:
            note.add("any-of-changed", "anyOf")
        return
    if bool(before) != bool(after):
        note.add("one-of-added" if after else "one-of-removed", "anyOf")
        return
    removed, added = _branches(note, "anyOf", before, after)
    if removed:
        note.add("one-of-branch-removed", "anyOf")
    if added:
        note.add("one-of-branch-added", "anyOf")


def _all_of(note: _Note, old: JsonObject, new: JsonObject) -> None:
    removed, added = _branches(note, "allOf", as_list(old.get("allOf")), as_list(new.get("allOf")))
    if note.is_request:
        if added:
            note.add("all-of-added", "allOf")
        if removed:
            note.add("all-of-removed", "allOf")
    elif added or removed:
        note.add("all-of-changed", "allOf")
