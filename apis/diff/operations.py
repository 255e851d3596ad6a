"""Walks both documents: operations, parameters, bodies, answers, security, webhooks, servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.media import body_schema
from apis.design.openapi30 import METHODS
from apis.diff.finding import Path, Report
from apis.diff.schemas import REQUEST, RESPONSE, compare_pending, compare_schemas

STABILITY = ("draft", "alpha", "beta", "stable")
TEMPLATE = re.compile(r"\{([^}]*)\}")
SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation where it stands. `key` is its method and its path with nameless parameters."""

    method: str
    path: str
    at: Path
    item: JsonObject
    value: JsonObject

    @property
    def key(self) -> tuple[str, str]:
        """Return what makes two operations the same: parameters of a path are known by their place."""
        return self.method, TEMPLATE.sub("{}", self.path)


def compare_documents(report: Report, today: date) -> None:
    """Note everything that changed between the report's two documents."""
    before = {operation.key: operation for operation in _operations(report.old)}
    after = {operation.key: operation for operation in _operations(report.new)}
    for key, old in before.items():
        with report.operation(old.method, old.path):
            if key in after:
                _compare(report, old, after[key])
            else:
                _removed(report, old, today)
    for key, new in after.items():
        if key not in before:
            with report.operation(new.method, new.path):
                report.add("operation-added", None, new.at)
    _webhooks(report)
    if _plain(report.old.get("servers")) != _plain(report.new.get("servers")):
        report.add("servers-changed", ("servers",), ("servers",))
    _version(report)


def _operations(document: JsonObject) -> Iterator[Operation]:
    for path, item in as_object(document.get("paths")).items():
        for method, value in as_object(item).items():
            if method in METHODS and isinstance(value, dict):
                yield Operation(method, path, ("paths", path, method), as_object(item), value)


def _plain(value: Json) -> Json:
    return value or None


def _sunset(operation: JsonObject) -> str:
    return as_text(operation.get("x-sunset"))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _removed(report: Report, old: Operation, today: date) -> None:
    sunset = _sunset(old.value)
    day = _day(sunset)
    if old.value.get("deprecated") is not True:
        report.add("operation-removed", old.at, None)
    elif sunset and day is None:
        report.add("operation-sunset-unreadable", old.at, None, sunset=sunset)
    elif day is not None and day > today:
        report.add("operation-removed-early", old.at, None, sunset=sunset)
    else:
        report.add("operation-removed-deprecated", old.at, None)


def _compare(report: Report, old: Operation, new: Operation) -> None:
    was, now = old.value.get("deprecated") is True, new.value.get("deprecated") is True
    if was != now:
        report.add("operation-deprecated" if now else "operation-reactivated", old.at, new.at)
    _sunsets(report, old, new, is_deprecated=now)
    _stability(report, old, new)
    before, after = old.value.get("operationId"), new.value.get("operationId")
    if before != after:
        report.add("operation-id-changed", old.at, new.at, old=before, new=after)
    _security(report, old, new)
    _parameters(report, old, new)
    _request_body(report, old, new)
    _responses(report, old, new)
    compare_pending(report)


def _sunsets(report: Report, old: Operation, new: Operation, *, is_deprecated: bool) -> None:
    before, after = _sunset(old.value), _sunset(new.value)
    if not before or before == after:
        return
    if not after:
        if is_deprecated:
            report.add("sunset-removed", (*old.at, "x-sunset"), new.at, old=before)
        return
    first, second = _day(before), _day(after)
    if first is None or second is None or second < first:
        report.add("sunset-earlier", (*old.at, "x-sunset"), (*new.at, "x-sunset"), old=before, new=after)


def _stability(report: Report, old: Operation, new: Operation) -> None:
    before = as_text(old.value.get("x-stability-level"), "stable")
    after = as_text(new.value.get("x-stability-level"), "stable")
    if before == after or before not in STABILITY or after not in STABILITY:
        return
    is_lower = STABILITY.index(after) < STABILITY.index(before)
    report.add("stability-lowered" if is_lower else "stability-raised", old.at, new.at, old=before, new=after)


def _security(report: Report, old: Operation, new: Operation) -> None:
    before = _ways_in(old.value.get("security", report.old.get("security")))
    after = _ways_in(new.value.get("security", report.new.get("security")))
    if before == after:
        return
    at = ((*old.at, "security"), (*new.at, "security"))
    shut = [way for way in before if not any(_is_within(other, way) for other in after)]
    for way in shut:
        report.add("security-added", *at, old=", ".join(sorted(way)) or "nothing")
    if not shut:
        report.add("security-removed", *at)


Way = dict[str, frozenset[str]]


def _ways_in(value: Json) -> list[Way]:
    """Return the alternatives to get in: schemes with their scopes; none is one of them where nothing is asked for."""
    ways = [
        {name: frozenset(scope for scope in as_list(scopes) if isinstance(scope, str)) for name, scopes in way.items()}
        for way in as_list(value)
        if isinstance(way, dict)
    ]
    return ways or [{}]


def _is_within(asked: Way, held: Way) -> bool:
    return all(name in held and scopes <= held[name] for name, scopes in asked.items())


Parameters = dict[tuple[str, str], tuple[Path, JsonObject]]


def _parameters_of(report: Report, operation: Operation, *, is_old: bool) -> Parameters:
    """Return the parameters by their place and name: of the path item, replaced by those of the operation."""
    resolve = report.old_object if is_old else report.new_object
    names = TEMPLATE.findall(operation.path)
    found: Parameters = {}
    for at, values in ((operation.at[:-1], operation.item), (operation.at, operation.value)):
        for index, value in enumerate(as_list(values.get("parameters"))):
            parameter = resolve(value)
            place, name = as_text(parameter.get("in")), as_text(parameter.get("name"))
            if place == "header":
                name = name.lower()
            if place == "path" and name in names:
                name = str(names.index(name))
            found[place, name] = ((*at, "parameters", index), parameter)
    return found


def _parameters(report: Report, old: Operation, new: Operation) -> None:
    before, after = _parameters_of(report, old, is_old=True), _parameters_of(report, new, is_old=False)
    for key, (at, parameter) in before.items():
        words = {"place": key[0], "name": as_text(parameter.get("name"))}
        if key not in after:
            is_deprecated = parameter.get("deprecated") is True
            report.add("parameter-removed-deprecated" if is_deprecated else "parameter-removed", at, None, **words)
            continue
        there, now = after[key]
        was_required, is_required = parameter.get("required") is True, now.get("required") is True
        if was_required != is_required:
            rule = "parameter-became-required" if is_required else "parameter-became-optional"
            report.add(rule, at, there, **words)
        _defaults(report, parameter, now, at, there, words)
        if any(parameter.get(name) != now.get(name) for name in ("style", "explode", "allowReserved")):
            report.add("parameter-style-changed", at, there, **words)
        compare_schemas(
            report, REQUEST, parameter.get("schema"), now.get("schema"), (*at, "schema"), (*there, "schema")
        )
        _contents(report, REQUEST, parameter, now, at, there)
    for key, (there, parameter) in after.items():
        if key not in before:
            is_required = parameter.get("required") is True or key[0] == "path"
            rule = "parameter-required-added" if is_required else "parameter-optional-added"
            report.add(rule, None, there, place=key[0], name=as_text(parameter.get("name")))


def _defaults(
    report: Report, old: JsonObject, new: JsonObject, at: Path, there: Path, words: dict[str, str]
) -> None:  # fmt: skip
    before, after = report.old_object(old.get("schema")), report.new_object(new.get("schema"))
    if before.get("default") != after.get("default"):
        report.add(
            "parameter-default-changed", (*at, "schema", "default"), (*there, "schema", "default"),
            old=before.get("default"), new=after.get("default"), **words,
        )  # fmt: skip


def _contents(report: Report, direction: str, old: JsonObject, new: JsonObject, at: Path, there: Path) -> None:
    before, after = as_object(old.get("content")), as_object(new.get("content"))
    for name, media in before.items():
        here, here_new = (*at, "content", name), (*there, "content", name)
        if name not in after:
            report.add(f"{direction}-media-type-removed", here, None, name=name)
            continue
        # Of a stream the schema is that of one item; whole bodies and streams are different things.
        (field, was), (field_new, now) = (
            body_schema(report.old_object(media)),
            body_schema(report.new_object(after[name])),
        )
        if field != field_new and was is not None and now is not None:
            report.add(
                f"{direction}-media-type-removed", (*here, field), (*here_new, field_new), name=f"{name} ({field})"
            )
            continue
        if (was is None) != (now is None):
            change = "removed" if now is None else "added"
            report.add(f"{direction}-schema-{change}", here, here_new, name=name)
        else:
            compare_schemas(report, direction, was, now, (*here, field), (*here_new, field_new))
    for name in after:
        if name not in before:
            report.add(f"{direction}-media-type-added", None, (*there, "content", name), name=name)


def _request_body(report: Report, old: Operation, new: Operation) -> None:
    before = report.old_object(old.value.get("requestBody"))
    after = report.new_object(new.value.get("requestBody"))
    at, there = (*old.at, "requestBody"), (*new.at, "requestBody")
    if not before and not after:
        return
    is_required = after.get("required") is True
    if not before:
        report.add("request-body-required-added" if is_required else "request-body-optional-added", None, there)
    elif not after:
        report.add("request-body-removed", at, None)
    else:
        if (before.get("required") is True) != is_required:
            change = "required" if is_required else "optional"
            report.add(f"request-body-became-{change}", at, there)
        _contents(report, REQUEST, before, after, at, there)


def _responses(report: Report, old: Operation, new: Operation) -> None:
    before, after = as_object(old.value.get("responses")), as_object(new.value.get("responses"))
    for status, response in before.items():
        at, there = (*old.at, "responses", status), (*new.at, "responses", status)
        if status not in after:
            report.add(f"response-{_kind(status)}-removed", at, None, name=status)
            continue
        was, now = report.old_object(response), report.new_object(after[status])
        _headers(report, was, now, at, there)
        _contents(report, RESPONSE, was, now, at, there)
    for status in after:
        if status not in before:
            report.add(f"response-{_kind(status)}-added", None, (*new.at, "responses", status), name=status)


def _kind(status: str) -> str:
    return "success" if status.startswith("2") else "error"


def _headers(report: Report, old: JsonObject, new: JsonObject, at: Path, there: Path) -> None:
    before = {name.lower(): (name, value) for name, value in as_object(old.get("headers")).items()}
    after = {name.lower(): (name, value) for name, value in as_object(new.get("headers")).items()}
    for key, (name, value) in before.items():
        header = report.old_object(value)
        here = (*at, "headers", name)
        was_required = header.get("required") is True
        if key not in after:
            kind = "required" if was_required else "optional"
            report.add(f"response-header-{kind}-removed", here, None, name=name)
            continue
        new_name, new_value = after[key]
        now = report.new_object(new_value)
        here_new = (*there, "headers", new_name)
        is_required = now.get("required") is True
        if was_required != is_required:
            change = "required" if is_required else "optional"
            report.add(f"response-header-became-{change}", here, here_new, name=name)
        compare_schemas(
            report, RESPONSE, header.get("schema"), now.get("schema"), (*here, "schema"), (*here_new, "schema")
        )
    for key, (name, _) in after.items():
        if key not in before:
            report.add("response-header-added", None, (*there, "headers", name), name=name)


def _webhooks(report: Report) -> None:
    before, after = as_object(report.old.get("webhooks")), as_object(report.new.get("webhooks"))
    for name in before.keys() - after.keys():
        report.add("webhook-removed", ("webhooks", name), None, name=name)
    for name in after.keys() - before.keys():
        report.add("webhook-added", None, ("webhooks", name), name=name)


def _version(report: Report) -> None:
    before = as_text(as_object(report.old.get("info")).get("version"))
    after = as_text(as_object(report.new.get("info")).get("version"))
    first, second = SEMVER.fullmatch(before), SEMVER.fullmatch(after)
    is_break = any(finding.level == "breaking" for finding in report.findings)
    if first and second and is_break and int(second[1]) <= int(first[1]):
        report.add("version-not-raised", ("info", "version"), ("info", "version"), new=after)
