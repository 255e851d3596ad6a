"""Applies overlays to a document: in order, each action whole or not at all, never beyond the budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apis.design.json_path import Budget, Parts, PathFinder, PathRefused, TooMuchWork
from apis.design.json_types import Json, JsonObject, shorten
from apis.design.loading import MAX_VALUES
from apis.design.overlays.merging import Incompatible, clone, kind_of, merge_problem, merge_value
from apis.design.overlays.reading import Action, ParsedOverlay
from apis.design.problems import Finding, Severity


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A document after overlays; `findings` holds one list per overlay: what was not applied, and what hit nothing."""

    document: JsonObject
    findings: tuple[tuple[Finding, ...], ...]


class _NotApplied(Exception):  # noqa: N818  it never leaves this module
    """An action that cannot be applied to this document; nothing of it was."""


def apply_overlay(document: JsonObject, overlay: ParsedOverlay) -> Overlaid:
    """Apply one overlay; the document itself stays as it is."""
    return apply_overlays(document, [overlay])


def apply_overlays(document: JsonObject, overlays: Iterable[ParsedOverlay]) -> Overlaid:
    """Apply overlays one after the other.

    An action that cannot be applied is left out with an error, the others stand: a document that moved on under its
    overlays still hides what they hide. The work of all together is bounded (overlay-too-costly ends it).
    """
    budget = Budget()
    finder = PathFinder(budget)
    # Documents share values; nothing of the given one may change.
    changed: dict[str, Json] = clone(document, Budget(4 * MAX_VALUES), 0)  # type: ignore[assignment]
    found = [tuple(_apply(changed, overlay, finder, budget)) for overlay in overlays]
    return Overlaid(changed, tuple(found))


def _apply(document: JsonObject, overlay: ParsedOverlay, finder: PathFinder, budget: Budget) -> list[Finding]:
    findings: list[Finding] = []
    for action in overlay.actions:
        try:
            places = finder.find(action.target, document)
            if not places:
                # The specification lets it succeed silently; a reader wants to know.
                text = "it selects nothing, so nothing changes"
                findings.append(_finding(action, "overlay-target-unmatched", "warn", text))
            elif action.kind == "remove":
                _remove(document, places, action, overlay.minor)
            else:
                _write(document, places, action, overlay.minor, finder, budget)
        except (_NotApplied, Incompatible, PathRefused) as error:
            findings.append(_finding(action, "overlay-not-applied", "error", str(error).rstrip(".")))
        except TooMuchWork:
            text = "it and what follows cost too much work on this document. Name places instead of searching with .."
            findings.append(_finding(action, "overlay-too-costly", "error", text))
            break
    return findings


def _finding(action: Action, code: str, severity: Severity, text: str) -> Finding:
    return Finding(code, severity, f"Action {action.number} ({shorten(action.target)[1:-1]}): {text}.", action.pointer)


def _remove(document: JsonObject, places: list[Parts], action: Action, minor: int) -> None:
    if () in places:
        raise _NotApplied("the whole document cannot be removed. Name a part of it")
    if not minor:
        _refuse_primitives(document, places)
    # The deepest first and the last of a list first: a place keeps its index until its own turn.
    for place in sorted(places, key=_order, reverse=True):
        holder = _at(document, place[:-1])
        del holder[place[-1]]  # type: ignore[union-attr, arg-type, call-overload, operator]


def _order(place: Parts) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in place)


def _write(
    document: JsonObject, places: list[Parts], action: Action, minor: int, finder: PathFinder, budget: Budget
) -> None:
    value = _source(document, action, finder) if action.kind == "copy" else action.value
    targets = [_at(document, place) for place in places]
    if not minor:
        _refuse_primitives(document, places)
    kinds = {kind_of(target) for target in targets}
    if len(kinds) > 1:
        text = f"it selects {' and '.join(sorted(kinds))}, which no single value can change. Select one kind of nodes"
        raise _NotApplied(text)
    for target in targets:
        if problem := merge_problem(target, value, is_target=True):
            raise _NotApplied(problem)
    # A copy per target: none shares values with another.
    copies = [clone(value, budget, len(place)) for place in places]
    for place, target, made in zip(places, targets, copies, strict=True):
        if isinstance(target, dict | list):
            merge_value(target, made)
        else:
            holder = _at(document, place[:-1])
            holder[place[-1]] = made  # type: ignore[index, call-overload]


def _source(document: JsonObject, action: Action, finder: PathFinder) -> Json:
    path = str(action.value)
    places = finder.find(path, document)
    if len(places) != 1:
        found = "nothing" if not places else f"{len(places)} nodes"
        raise _NotApplied(f"copy {shorten(path)} selects {found}; it must select one node")
    return _at(document, places[0])


def _refuse_primitives(document: JsonObject, places: list[Parts]) -> None:
    """Overlay 1.0.0 §4.4.3: the target selects objects or arrays, never primitive values."""
    for place in places:
        value = _at(document, place)
        if not isinstance(value, dict | list):
            text = f"it selects the value {shorten(value)}, and Overlay 1.0 selects objects and lists alone. "
            raise _NotApplied(f"{text}Select what holds it, or write overlay: 1.1.0")


def _at(document: Json, place: Parts) -> Json:
    for part in place:
        document = document[part]  # type: ignore[index, call-overload]
    return document
