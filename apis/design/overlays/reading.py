"""An overlay's text to its actions, or what is wrong with it (Overlay 1.0.0 and 1.1.0 §4.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from apis.design.json_path import Budget, PathFinder, PathRefused
from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text, shorten
from apis.design.lines import number_lines
from apis.design.loading import load_tree
from apis.design.problems import DesignError, Finding, refuse

MAX_OVERLAY_BYTES = 256 * 1024
MAX_ACTIONS = 200

Kind = Literal["update", "copy", "remove"]
_VERSION = re.compile(r"1\.([01])\.\d+")
_ROOT = {"overlay", "info", "extends", "actions"}
_INFO = {"title", "version", "description"}
_ACTION = {"target", "description", "update", "copy", "remove"}


@dataclass(frozen=True, slots=True)
class Action:
    """One action: what it does with the nodes that `target` selects. `number` counts from 1, as messages do."""

    number: int
    target: str
    kind: Kind
    value: Json = None
    description: str = ""

    @property
    def pointer(self) -> str:
        """Return where it stands in the overlay."""
        return f"/actions/{self.number - 1}"


@dataclass(frozen=True, slots=True)
class ParsedOverlay:
    """An overlay that can be applied. `minor` is that of its version: 0 or 1."""

    minor: int
    title: str
    actions: tuple[Action, ...]


def parse_overlay(text: str) -> ParsedOverlay:
    """Read an overlay in JSON or YAML; raise DesignError with everything that is wrong, pointers and lines included."""
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_OVERLAY_BYTES:
        message = f"The overlay has {size / 1024:.0f} KB; at most {MAX_OVERLAY_BYTES // 1024} KB are read. Split it."
        raise refuse("overlay-too-large", message)
    if not text.strip():
        raise refuse("overlay-empty", "The overlay is empty. Begin it with overlay: 1.1.0, info and actions.")
    loaded = load_tree(text)
    if not isinstance(loaded.tree, dict):
        raise refuse(
            "overlay-not-one", f"An overlay is an object with the key overlay; this is {shorten(loaded.tree)}."
        )
    findings = [finding for finding in loaded.findings if finding.severity == "error"]
    minor = _minor(loaded.tree, findings)
    _check_head(loaded.tree, findings)
    actions = tuple(_read_actions(loaded.tree, minor, findings))
    if findings:
        raise DesignError(number_lines(findings, text))
    return ParsedOverlay(minor, as_text(as_object(loaded.tree["info"]).get("title")), actions)


def _minor(tree: JsonObject, findings: list[Finding]) -> int:
    version = tree.get("overlay")
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if found:
        return int(found[1])
    if "overlay" not in tree:
        message = "The key overlay is missing. Begin with overlay: 1.1.0."
    else:
        message = f"overlay is {shorten(version)}; versions 1.0 and 1.1 are read. Write overlay: 1.1.0."
    findings.append(Finding("overlay-version", "error", message, "/overlay"))
    return 1


def _check_head(tree: JsonObject, findings: list[Finding]) -> None:
    info = tree.get("info")
    if not isinstance(info, dict):
        message = "info is missing. Give it a title and a version." if info is None else "info must be an object."
        findings.append(Finding("overlay-info", "error", message, "/info"))
    for name in ("title", "version") if isinstance(info, dict) else ():
        if not isinstance(info.get(name), str):  # type: ignore[union-attr]
            written = shorten(as_object(info).get(name))
            message = f"info.{name} is {written}; it must be text. Put it in quotes: {name}: '1.0.0'."
            findings.append(Finding("overlay-info", "error", message, f"/info/{name}"))
    if not isinstance(tree.get("extends", ""), str):
        message = f"extends is {shorten(tree['extends'])}; it must be the address of a document."
        findings.append(Finding("overlay-field", "error", message, "/extends"))
    findings.extend(_unknown(tree, _ROOT, "", "An overlay"))
    findings.extend(_unknown(as_object(info), _INFO, "/info", "info"))


def _unknown(value: JsonObject, known: set[str], pointer: str, what: str) -> Iterator[Finding]:
    for key in value:
        if key not in known and not key.startswith("x-"):
            message = f"{what} has no field {shorten(key)}; it has {', '.join(sorted(known))} and x-…"
            yield Finding("overlay-field", "error", message, f"{pointer}/{key}")


def _read_actions(tree: JsonObject, minor: int, findings: list[Finding]) -> Iterator[Action]:
    written = as_list(tree.get("actions"))
    if not written:
        message = "actions must be a list with at least one action, such as target: $.info with an update."
        findings.append(Finding("overlay-actions", "error", message, "/actions"))
    if len(written) > MAX_ACTIONS:
        message = f"The overlay has {len(written)} actions; at most {MAX_ACTIONS} are applied. Split it."
        findings.append(Finding("overlay-actions", "error", message, "/actions"))
        return
    finder = PathFinder(Budget())
    seen: dict[str, int] = {}
    for number, item in enumerate(written, start=1):
        problems = list(_action_problems(as_object(item), minor, finder))
        same = seen.setdefault(json.dumps(item, sort_keys=True), number)
        if not isinstance(item, dict):
            problems = [("overlay-action", f"it is {shorten(item)}, not an object")]
        elif same != number:
            problems.append(("overlay-action", f"it is the same as action {same}, and each must differ. Remove one"))
        pointer = f"/actions/{number - 1}"
        findings.extend(Finding(code, "error", f"Action {number}: {text}.", pointer) for code, text in problems)
        if not problems:
            yield _action(number, as_object(item))


def _action_problems(item: JsonObject, minor: int, finder: PathFinder) -> Iterator[tuple[str, str]]:
    known = _ACTION if minor else _ACTION - {"copy"}
    for key in item:
        if key == "copy" and not minor:
            yield "overlay-action", "copy came with Overlay 1.1. Write overlay: 1.1.0"
        elif key not in known and not key.startswith("x-"):
            yield "overlay-field", f"an action has no field {shorten(key)}; it has {', '.join(sorted(known))} and x-…"
    for name in ("target", "copy"):
        if name in item or name == "target":
            yield from _path_problems(name, item.get(name), finder)
    if not isinstance(item.get("remove", False), bool):
        yield "overlay-action", f"remove is {shorten(item['remove'])}; it must be true or false"
    if not isinstance(item.get("description", ""), str):
        yield "overlay-action", f"description is {shorten(item['description'])}; it must be text"
    wanted = [name for name in ("update", "copy") if name in item] + (["remove"] if item.get("remove") is True else [])
    if not wanted:
        yield "overlay-action", f"it does nothing: give one of {'update, copy' if minor else 'update'}, remove: true"
    elif len(wanted) > 1 and minor:
        yield "overlay-action", f"it has {' and '.join(wanted)}, which exclude each other. Write two actions"


def _path_problems(name: str, value: Json, finder: PathFinder) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        yield "overlay-target", f"{name} is {shorten(value)}; it must be a JSONPath such as $.info"
        return
    try:
        finder.check(value)
    except PathRefused as error:
        yield "overlay-target", f"{name}: {str(error).rstrip('.')}"


def _action(number: int, item: JsonObject) -> Action:
    # Overlay 1.0.0 §4.4.3: update has no impact where remove is true.
    kind: Kind = "remove" if item.get("remove") is True else "copy" if "copy" in item else "update"
    target, description = as_text(item["target"]), as_text(item.get("description"))
    return Action(number, target, kind, item.get(kind), description)
