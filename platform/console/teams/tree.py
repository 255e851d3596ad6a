"""The tree of teams: its rows with what lies in and below each, a team's place in it, moving a team, deleting it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import BigIntegerField, CharField, Count, F, Func, Q, QuerySet, Value
from django.http import HttpRequest, HttpResponse

from apis.models import Api
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from teams.models import Application, Membership, Team, User
from teams.roles import require_permission, teams_of, teams_with
from teams.selectors import team_for, teams_above
from teams.services.tree import below, delete_team, move_team


@dataclass(slots=True)
class Branch:
    """One team of the list: how deep it is shown, and what is in it and below it."""

    team: Team
    depth: int
    members: int = 0
    apis: int = 0
    applications: int = 0
    below: int = 0
    is_folded: bool = False
    fold_url: str = ""


def top_teams(user: User) -> QuerySet[Team]:
    """Return the teams a person sees that lie below none they see."""
    seen = teams_of(user)
    return seen.exclude(parent__in=seen)


def branches(request: HttpRequest, roots: Sequence[Team], *, is_flat: bool = False) -> list[Branch]:
    """Return the rows of the list: each root with what lies below it, in the tree's order, minus what is folded."""
    keys = [team.pk for team in roots]
    inside = Q(pk__in=keys) | Q(ancestor_ids__overlap=keys)
    teams = list(roots) if is_flat else list(Team.objects.filter(inside).order_by("name", "pk"))
    counts = _counts([team.pk for team in teams])
    children: dict[int | None, list[Team]] = {}
    for team in teams:
        children.setdefault(team.parent_id, []).append(team)
    folded = set(request.GET.getlist("fold"))
    rows: list[Branch] = []

    def grow(team: Team, depth: int) -> None:
        number = {kind: counts.get((kind, team.pk), 0) for kind in ("members", "apis", "applications")}
        row = Branch(team, depth, number["members"], number["apis"], number["applications"])
        rows.append(row)
        beneath = [] if is_flat else children.get(team.pk, [])
        row.below, row.is_folded = len(beneath), team.slug in folded
        row.fold_url = _fold_url(request, folded ^ {team.slug})
        if not row.is_folded:
            for child in beneath:
                grow(child, depth + 1)

    for root in roots:
        grow(root, 0)
    return rows


def _fold_url(request: HttpRequest, folded: Iterable[str]) -> str:
    query = request.GET.copy()
    query.setlist("fold", sorted(folded))
    return f"/teams?{query.urlencode()}"


def _counts(keys: list[int]) -> dict[tuple[str, int], int]:
    """Return people, APIs and applications in and below each team, in one query; a person in two teams counts once."""

    def per_team(rows: QuerySet[Any], kind: str, counted: str) -> QuerySet[Any, Any]:
        path = Func(F("team__ancestor_ids"), F("team_id"), function="array_append")
        above = Func(path, function="unnest", output_field=BigIntegerField())
        inside = Q(team__in=keys) | Q(team__ancestor_ids__overlap=keys)
        found = rows.order_by().filter(inside).annotate(what=Value(kind, output_field=CharField()), up=above)
        return found.values("what", "up").annotate(n=Count(counted, distinct=True)).values_list("what", "up", "n")

    if not keys:
        return {}
    found = per_team(Membership.objects.filter(user__service_team=None), "members", "user").union(
        per_team(Api.objects.all(), "apis", "pk"), per_team(Application.objects.all(), "applications", "pk"), all=True
    )
    return {(kind, key): number for kind, key, number in found}


def crumbs_of(user: User, team: Team) -> list[tuple[str, str]]:
    """Return the way down to a team; of teams above that a person does not see the name alone."""
    above = teams_above(team)
    seen = set(teams_of(user).filter(pk__in=team.ancestor_ids).values_list("pk", flat=True)) if above else set()
    return [("Teams", "/teams"), *((row.name, f"/teams/{row.slug}" if row.pk in seen else "") for row in above)]


class PlaceForm(GatehouseForm):
    """Where a team goes."""

    parent = forms.ModelChoiceField(
        Team.objects.none(), required=False, empty_label="At the top", label="Below",
        help_text="Who has a role there has it here too, and what is shared with it is shared with this team.",
    )  # fmt: skip
    row_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, user: User, team: Team, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = teams_with(user, "team.manage").exclude(pk=team.pk).exclude(ancestor_ids__contains=[team.pk])
        self.fields["parent"].queryset = others.order_by("name")  # type: ignore[attr-defined]


@page("team.manage", methods=("GET", "HEAD", "POST"))
def place(request: HttpRequest, team: str) -> HttpResponse:
    """Put a team under another one, or at the top."""
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    require_permission(actor=user, team=found, permission="team.manage", what="move it")
    initial = {"parent": found.parent_id, "row_version": found.row_version}
    form = PlaceForm(user, found, request.POST or None, initial=initial)

    def move() -> str:
        version = form.cleaned_data["row_version"]
        moved = move_team(team=found, parent=form.cleaned_data["parent"], actor=user, row_version=version)
        where = f"below {moved.parent} now" if moved.parent else "at the top now"
        messages.success(request, f"{moved} is {where}.")
        return f"/teams/{moved.slug}"

    if request.method == "POST" and (done := run_form(request, form, move)):
        return done
    subtree = below(found)
    context = {
        "team": found, "form": form, "subtree": subtree, "base": f"/teams/{found.slug}",
        "crumbs": [*crumbs_of(user, found), (found.name, f"/teams/{found.slug}")],
        "people": Membership.objects.filter(team__in=[found, *subtree]).values("user").distinct().count(),
        "above": Membership.objects.filter(team__in=found.ancestor_ids).values("user").distinct().count(),
    }  # fmt: skip
    return render_page(request, "teams/place.html", context, status=422 if form.errors else 200)


@page("team.manage", methods=("POST",))
def delete(request: HttpRequest, team: str) -> HttpResponse:
    """Delete a team that owns nothing any more."""
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    form = GatehouseForm(request.POST)

    def work() -> str:
        delete_team(team=found, actor=user)
        messages.success(request, f"{found.name} is deleted.")
        return "/teams"

    done = run_form(request, form, work)
    assert done is not None
    return done


def tree_page(request: HttpRequest, can_create: bool) -> HttpResponse:
    """List the teams a person sees: as a tree, or flat those whose name has the words."""
    user: User = request.user  # type: ignore[assignment]
    words = request.GET.get("q", "").strip()[:120]
    rows = teams_of(user).filter(name__icontains=words) if words else top_teams(user)
    table = Table(request, rows, columns={"name": "name"})
    shown = branches(request, table.rows, is_flat=bool(words))
    context = {"table": table, "rows": shown, "words": words, "can_create": can_create}
    return render_page(request, "teams/list.html", context, fragment="rows")
