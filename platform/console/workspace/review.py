"""Read a revision in review and judge it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.models import Review
from apis.selectors.gate import gate_of
from apis.services.reviews import review_revision
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.workspace.comments import lines_of
from console.workspace.moves.frame import address_of
from console.workspace.version import head_of, my_version
from teams.permissions import by_rule


class ReviewForm(GatehouseForm):
    """A verdict with a comment."""

    checked = forms.MultipleChoiceField(
        label="What the team asks for", required=False, widget=forms.CheckboxSelectMultiple
    )
    comment = forms.CharField(max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, checklist: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["checked"].choices = [(line, line) for line in checklist]  # type: ignore[attr-defined]
        if not checklist:
            del self.fields["checked"]


@page("team.view", methods=("GET", "HEAD", "POST"))
def review(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Read a revision in review and judge it."""
    found = my_version(request, team, api, version)
    revision = found.revisions.filter(number=number).select_related("author").first()
    if revision is None:
        raise NotFound("There is no such revision.")
    revision.version = found
    form = ReviewForm(found.api.team.checklist, request.POST or None)
    verdict = Review.Verdict.REJECTED if request.POST.get("verdict") == "rejected" else Review.Verdict.APPROVED

    def work() -> str:
        review_revision(
            revision=revision,
            verdict=verdict,
            comment=form.cleaned_data["comment"],
            checked=form.cleaned_data.get("checked", []),
            actor=request.user,  # type: ignore[arg-type]
        )
        messages.success(request, f"Your verdict on revision {number} is recorded.")
        return address_of(found)

    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    head = head_of(request, found, "revisions")
    context = {
        **head, "revision": revision, "form": form, "gate": gate_of(revision),
        "operations": revision.operations.order_by("position")[:300],
        "reviews": revision.reviews.select_related("reviewer"), "needed": found.api.team.required_approvals,
        "is_author": revision.author_id == request.user.pk,
        "can_review": {"apis.review", by_rule(found.api.team.reviewer_role, "apis.review")} <= head["may"],
        **lines_of(revision, request),
    }  # fmt: skip
    return render_page(request, "workspace/review.html", context, status=422 if form.errors else 200)
