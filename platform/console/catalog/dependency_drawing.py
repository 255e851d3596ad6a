"""The dependency graph as a drawing: the edges called most, at most sixty nodes, each with what it says on hover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import log10
from typing import Any
from unicodedata import combining, east_asian_width
from urllib.parse import urlencode

from apis.models import ApiVersion
from console.catalog.dependency_layout import Box, Layout, lay_out

MOST_NODES, MOST_EDGES = 60, 400
NAME_COLUMNS, DETAIL_COLUMNS = 32, 42


@dataclass(frozen=True, slots=True)
class Node:
    """An application, an API, or a version (which alone has a state): its box, what stands in it, where it leads."""

    box: Box
    name: str
    detail: str
    title: str
    url: str
    state: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A subscription: its curve, where a mark stands on it, and how much it is used."""

    path: str
    x: float
    y: float
    width: float
    title: str
    state: str
    is_called: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that the template draws; the nodes in reading order: applications, then each API with its versions."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def draw(rows: Iterable[Any], *, chosen: tuple[str, ...] = ()) -> Drawing:
    """Draw dependencies, those called most first: each whose nodes still fit. `chosen` are addresses to stress."""
    edges = _fitting(rows)
    applications = {row.application.public_id: row.application for row in edges}
    versions: dict[str, ApiVersion] = {row.version.public_id: row.version for row in edges}
    apis: dict[str, list[str]] = defaultdict(list)
    for key, version in sorted(versions.items(), key=lambda item: -int(item[1].name[1:])):
        apis[version.api.public_id].append(key)
    # In the order of names, so that the same set is drawn the same, whoever called more meanwhile.
    left = sorted(applications, key=lambda key: (applications[key].name.lower(), key))
    right = {key: apis[key] for key in sorted(apis, key=lambda key: (versions[apis[key][0]].api.name.lower(), key))}
    pairs = [(row.application.public_id, row.version.public_id) for row in edges]
    layout = lay_out(left, right, pairs)
    calls: dict[str, int] = defaultdict(int)
    for row in edges:
        for key in (row.application.public_id, row.version.api.public_id):
            calls[key] += row.calls_30_days
    nodes = [_application(applications[key], box, calls[key], chosen) for key, box in layout.applications.items()]
    for key, box in layout.apis.items():
        nodes.append(_api(versions[apis[key][0]].api, box, calls[key], chosen))
        nodes += [_version(versions[version], layout.versions[version]) for version in apis[key]]
    return Drawing(layout.width, layout.height, tuple(nodes), tuple(_edge(row, layout) for row in edges))


def _fitting(rows: Iterable[Any]) -> list[Any]:
    nodes: set[str] = set()
    fitting = []
    for row in rows:
        wanted = nodes | {row.application.public_id, row.version.public_id}
        if len(wanted) <= MOST_NODES:
            nodes = wanted
            fitting.append(row)
    return fitting


def _application(app: Any, box: Box, calls: int, chosen: tuple[str, ...]) -> Node:
    address = f"{app.team.slug}/{app.name}"
    return _node(box, app.name, app.team.name, calls, f"?{urlencode({'application': address, 'near': 1})}",
                 is_chosen=address in chosen)  # fmt: skip


def _api(api: Any, box: Box, calls: int, chosen: tuple[str, ...]) -> Node:
    address = f"{api.team.slug}/{api.slug}"
    return _node(box, api.name, api.team.name, calls, f"?{urlencode({'api': address, 'near': 1})}",
                 is_chosen=address in chosen)  # fmt: skip


def _node(box: Box, name: str, team: str, calls: int, url: str, *, is_chosen: bool) -> Node:
    detail = f"{calls:,} call{'' if calls == 1 else 's'}"
    title = f"{name} of {team}, {detail} in 30 days here. Show its neighbourhood"
    team = clip(team, DETAIL_COLUMNS - len(detail) - 3)
    return Node(box, clip(name, NAME_COLUMNS), f"{team} · {detail}", title, url, is_chosen=is_chosen)


def _version(version: ApiVersion, box: Box) -> Node:
    url = f"/catalog/{version.api.team.slug}/{version.api.slug}/{version.name}"
    title = f"{version.api.name} {version.name}: {version.get_state_display()}. Open in the catalog"
    return Node(box, version.name, "", title, url, state=version.state)


def _edge(row: Any, layout: Layout) -> Edge:
    application, version = row.application.public_id, row.version.public_id
    x, y = layout.mark(application, version)
    calls = f"{row.calls_30_days:,} calls in 30 days" if row.calls_30_days else "no call in 30 days"
    state = row.version.state
    return Edge(
        path=layout.line(application, version),
        x=x,
        y=y,
        width=round(min(1.5 + log10(row.calls_30_days + 1), 6), 1),
        title=f"{row.application.name} uses {row.version} ({row.version.get_state_display()}) "
        f"under {row.plan.name}: {calls}",
        state=state if state in ("deprecated", "retired") else "",
        is_called=row.calls_30_days > 0,
    )


def clip(text: str, columns: int) -> str:
    """Return a text that fits a number of columns, an ellipsis where it was cut; wide signs take two."""
    used = 0
    for index, sign in enumerate(text):
        used += 0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1
        if used > columns:
            return text[: max(0, index - 1)].rstrip() + "…"
    return text
