"""Where a dependency graph's boxes and lines stand: applications left, APIs with their versions right.

Pure and deterministic. Each side is ordered by the barycentre of its neighbours, which cuts crossings; an order that
crosses more than the one given is never taken.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

WIDTH, MARGIN, GAP = 880, 8, 12
BOX_WIDTH, BOX_HEIGHT, ROW_HEIGHT = 280, 48, 28
SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the drawing."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Return the height at which lines meet it."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """The boxes of applications, of APIs and of the versions within them, by key, in the order drawn."""

    height: float
    applications: dict[str, Box]
    apis: dict[str, Box]
    versions: dict[str, Box]
    width: float = WIDTH

    def line(self, application: str, version: str) -> str:
        """Return the path of a curve from an application to a version."""
        start, end = self.applications[application], self.versions[version]
        left, right = start.x + start.width, end.x
        half = (left + right) / 2
        return f"M{left:g} {start.middle:g}C{half:g} {start.middle:g} {half:g} {end.middle:g} {right:g} {end.middle:g}"

    def mark(self, application: str, version: str) -> tuple[float, float]:
        """Return the point a quarter along that curve, where the lines of different applications are still apart."""
        start, end = self.applications[application], self.versions[version]
        left, right = start.x + start.width, end.x
        return (45 * left + 19 * right) / 64, (54 * start.middle + 10 * end.middle) / 64


def lay_out(applications: Sequence[str], apis: Mapping[str, Sequence[str]], edges: Sequence[tuple[str, str]]) -> Layout:
    """Place applications and, by API, its versions; edges are (application, version)."""
    left, right = order(applications, apis, edges)
    heights = [BOX_HEIGHT + ROW_HEIGHT * len(apis[key]) for key in right]
    tall_left, tall_right = _stacked([BOX_HEIGHT] * len(left)), _stacked(heights)
    height = max(tall_left, tall_right)
    boxes: dict[str, Box] = {}
    y = MARGIN + (height - tall_left) / 2
    for key in left:
        boxes[key] = Box(MARGIN, y, BOX_WIDTH, BOX_HEIGHT)
        y += BOX_HEIGHT + GAP
    groups: dict[str, Box] = {}
    rows: dict[str, Box] = {}
    x, y = WIDTH - MARGIN - BOX_WIDTH, MARGIN + (height - tall_right) / 2
    for key, tall in zip(right, heights, strict=True):
        groups[key] = Box(x, y, BOX_WIDTH, tall)
        for index, version in enumerate(apis[key]):
            rows[version] = Box(x, y + BOX_HEIGHT + index * ROW_HEIGHT, BOX_WIDTH, ROW_HEIGHT)
        y += tall + GAP
    return Layout(height + 2 * MARGIN, boxes, groups, rows)


def order(
    applications: Sequence[str], apis: Mapping[str, Sequence[str]], edges: Sequence[tuple[str, str]]
) -> tuple[list[str], list[str]]:
    """Return applications and APIs in the order that crosses least among those tried; versions keep theirs."""
    left, right = list(applications), list(apis)
    api_of = {version: api for api, versions in apis.items() for version in versions}
    best = (crossings(left, _flat(right, apis), edges), left, right)
    for sweep in range(SWEEPS):
        if best[0] == 0:
            break
        if sweep % 2:
            left = _by_barycentre(left, _flat(right, apis), [(app, version) for app, version in edges])
        else:
            right = _by_barycentre(right, left, [(api_of[version], app) for app, version in edges])
        best = min(best, (crossings(left, _flat(right, apis), edges), left, right), key=lambda found: found[0])
    return best[1], best[2]


def crossings(left: Sequence[str], right: Sequence[str], edges: Sequence[tuple[str, str]]) -> int:
    """Count the pairs of edges that cross when both sides stand in these orders."""
    left_at, right_at = _places(left), _places(right)
    seen: list[int] = []
    count = 0
    for _, end in sorted((left_at[start], right_at[end]) for start, end in edges):
        # Those that start above (or at the same place and end above) and end below.
        count += len(seen) - bisect_right(seen, end)
        insort(seen, end)
    return count


def _by_barycentre(side: Sequence[str], other: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[str]:
    places, ends = _places(other), defaultdict(list)
    for here, there in edges:
        ends[here].append(places[there])
    old = _places(side)
    # One without an edge stays where it is.
    return sorted(side, key=lambda key: (sum(ends[key]) / len(ends[key]) if ends[key] else old[key], old[key]))


def _flat(right: Sequence[str], apis: Mapping[str, Sequence[str]]) -> list[str]:
    return list(chain.from_iterable(apis[key] for key in right))


def _places(keys: Sequence[str]) -> dict[str, int]:
    return {key: place for place, key in enumerate(keys)}


def _stacked(heights: Sequence[float]) -> float:
    return sum(heights) + GAP * max(0, len(heights) - 1)
