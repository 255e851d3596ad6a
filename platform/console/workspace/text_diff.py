"""Two documents line by line: the changed lines with their neighbours, as YAML, in the order of the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import yaml

CONTEXT = 3
# A page holds this many rows; the REST API gives both documents whole.
MAX_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the two columns; a number of 0 and an empty text where a column has nothing."""

    old_number: int
    old: str
    new_number: int
    new: str

    @property
    def sign(self) -> str:
        """Return - for a row that went, + for one that came, ~ for one that changed, "" for a neighbour."""
        if self.old_number and self.new_number:
            return "" if self.old == self.new else "~"
        return "-" if self.old_number else "+"


def text_diff(old: Any, new: Any) -> list[list[Row]]:
    """Return the hunks of two documents, at most MAX_ROWS rows in all."""
    return line_diff(_lines(old), _lines(new))


def line_diff(before: list[str], after: list[str]) -> list[list[Row]]:
    """Return the hunks of two texts given by their lines, at most MAX_ROWS rows in all."""
    hunks: list[list[Row]] = []
    count = 0
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT):
        rows = list(_rows(group, before, after))[: MAX_ROWS - count]
        count += len(rows)
        if rows:
            hunks.append(rows)
    return hunks


def _rows(group: list[Any], before: list[str], after: list[str]) -> Iterator[Row]:
    for _, start, stop, begin, end in group:
        for step in range(max(stop - start, end - begin)):
            left, right = start + step, begin + step
            yield Row(
                left + 1 if left < stop else 0,
                before[left] if left < stop else "",
                right + 1 if right < end else 0,
                after[right] if right < end else "",
            )


def _lines(document: Any) -> list[str]:
    text = yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text.splitlines()
