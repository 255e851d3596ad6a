"""From a JSON pointer to the line it was written on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import yaml

from apis.design.pointers import join_pointer
from apis.design.problems import Finding


@dataclass(slots=True)
class _Open:
    pointer: str
    is_mapping: bool
    index: int = 0
    key: str | None = None


def number_lines(findings: Iterable[Finding], text: str) -> list[Finding]:
    """Give findings without a line that of their pointer, or of its nearest written ancestor."""
    listed = list(findings)
    if not text or all(finding.line is not None or not finding.pointer for finding in listed):
        return listed
    lines = index_lines(text)
    if not lines:
        return listed
    return [
        replace(finding, line=_nearest(finding.pointer, lines)) if finding.line is None and finding.pointer else finding
        for finding in listed
    ]


def index_lines(text: str) -> dict[str, int]:
    """Map each pointer of a YAML or JSON text to its line, from 1; empty when YAML cannot read that JSON."""
    lines: dict[str, int] = {}
    stack: list[_Open] = []
    try:
        for event in yaml.parse(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader):  # noqa: S506 - events only
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            pointer = _step(event, stack, lines)
            if pointer is not None and isinstance(event, yaml.CollectionStartEvent):
                stack.append(_Open(pointer, isinstance(event, yaml.MappingStartEvent)))
    except yaml.YAMLError:
        # JSON written with surrogate pairs is no YAML; the pointers alone must do then.
        return {}
    return lines


def _step(event: yaml.NodeEvent, stack: list[_Open], lines: dict[str, int]) -> str | None:
    """Return the pointer of the value that begins here, None for a key."""
    if not stack or event.start_mark is None:
        return ""
    line = event.start_mark.line + 1
    top = stack[-1]
    if not top.is_mapping:
        pointer = f"{top.pointer}/{top.index}"
        top.index += 1
        lines.setdefault(pointer, line)
        return pointer
    if top.key is None:
        top.key = str(getattr(event, "value", ""))
        lines.setdefault(top.pointer + join_pointer([top.key]), line)
        return None
    pointer = top.pointer + join_pointer([top.key])
    top.key = None
    return pointer


def _nearest(pointer: str, lines: dict[str, int]) -> int | None:
    while pointer:
        if pointer in lines:
            return lines[pointer]
        pointer = pointer.rpartition("/")[0]
    return None
