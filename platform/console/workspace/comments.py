"""The lines of a revision's source with what was said about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.models import ReviewComment, Revision
from apis.services.comments import comment_on_revision, resolve_comment
from common.errors import NotFound
from common.permissions import page
from console.workspace.revisions import find_revision
from console.workspace.version import my_version

LINES = 300


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the source, its comments, and whether one is being written here."""

    number: int
    text: str
    comments: tuple[ReviewComment, ...]
    is_chosen: bool


def lines_of(revision: Revision, request: HttpRequest) -> dict[str, Any]:
    """Return a window of the source's lines, that of the chosen line, with all that the template shows of it."""
    texts = revision.source.splitlines()
    comments: dict[int, list[ReviewComment]] = {}
    for comment in revision.comments.select_related("author", "resolved_by"):
        comments.setdefault(comment.line, []).append(comment)
    asked = request.GET.get("line", "")
    chosen = int(asked) if asked.isdecimal() and len(asked) < 9 else -1
    start = _start(request.GET.get("from", ""), chosen, len(texts))
    numbers = range(start, min(start + LINES, len(texts) + 1))
    return {
        "lines": [Line(n, texts[n - 1], tuple(comments.get(n, ())), n == chosen) for n in numbers],
        "general": comments.get(0, []),
        "commented": sorted(
            number for number, said in comments.items() if number and any(not c.resolved_at for c in said)
        ),
        "line_count": len(texts),
        "chosen": chosen,
        "previous_lines": max(1, start - LINES) if start > 1 else 0,
        "next_lines": start + LINES if start + LINES <= len(texts) else 0,
    }


def _start(text: str, chosen: int, count: int) -> int:
    if text.isdecimal() and len(text) < 9:
        return max(1, min(int(text), max(1, count)))
    return max(1, chosen - LINES // 2) if chosen > LINES else 1


@page("apis.design", methods=("POST",))
def comment(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Comment on a line."""
    found = my_version(request, team, api, version)
    given = request.POST.get("line", "0")
    line = int(given) if given.isdecimal() and len(given) < 9 else -1
    comment_on_revision(
        revision=find_revision(found, number),
        line=line,
        body=request.POST.get("body", ""),
        actor=request.user,  # type: ignore[arg-type]
    )
    return HttpResponseRedirect(f"{_review(team, api, version, number)}?line={line}#line-{line}")


@page("apis.design", methods=("POST",))
def resolve(request: HttpRequest, team: str, api: str, version: str, number: int, comment: str) -> HttpResponse:
    """Resolve a comment."""
    found = my_version(request, team, api, version)
    row = find_revision(found, number).comments.filter(public_id=comment).first()
    if row is None:
        raise NotFound("There is no such comment.")
    row.revision.version = found
    resolve_comment(comment=row, actor=request.user)  # type: ignore[arg-type]
    return HttpResponseRedirect(f"{_review(team, api, version, number)}?line={row.line}#line-{row.line}")


def _review(team: str, api: str, version: str, number: int) -> str:
    return f"/workspace/{team}/{api}/{version}/revisions/{number}/review"
