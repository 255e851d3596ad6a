"""Rendering: a whole page, or for htmx the fragment of the same template; tabs; sparklines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from teams.models import Team
from teams.roles import require_permission


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of an object page: its own URL, and a count when one matters."""

    title: str
    url: str
    is_current: bool = False
    count: int | None = None


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str = "", status: int = 200
) -> HttpResponse:
    """Answer the page; a partial htmx request gets the template-partial named `fragment` instead."""
    is_partial = fragment and request.headers.get("HX-Request-Type") == "partial"
    response = render(request, f"{template}#{fragment}" if is_partial else template, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])
    return response


def require_declared(request: HttpRequest, team: Team) -> None:
    """Hold the person to the permission that the page declares, in the team whose object it shows."""
    permission = request.permission  # type: ignore[attr-defined]
    require_permission(actor=request.user, team=team, permission=permission)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Spark:
    """A sparkline's drawing and its text twin."""

    points: str
    last_x: float
    last_y: float
    text: str


def sparkline(values: Sequence[float], text: str) -> Spark:
    """Draw up to 24 values in 96 x 24 with the minimum at 0."""
    shown = list(values)[-24:] or [0.0]
    top = max([*shown, 1e-9])
    step = 92 / max(1, len(shown) - 1)
    dots = [(round(2 + index * step, 1), round(22 - value / top * 20, 1)) for index, value in enumerate(shown)]
    return Spark(" ".join(f"{x},{y}" for x, y in dots), dots[-1][0], dots[-1][1], text)
