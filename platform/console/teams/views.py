"""Teams: who is in them, what they own, their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from apis.models import Api
from common.errors import Conflict
from common.permissions import page
from console.forms import GatehouseForm, may_post, run_form
from console.pages import Tab, render_page
from console.teams.tree import crumbs_of, tree_page
from teams.models import Invitation, Role, Team, User
from teams.roles import has_permission, permissions_in, permissions_somewhere
from teams.selectors import inherited_members, members_of, membership_for, open_invitations, team_for
from teams.services.grants import Held, explain, roles_to_give
from teams.services.people import (
    TEAM_FIELDS,
    change_role,
    create_team,
    invitation_url,
    invite_member,
    remove_member,
    update_team,
    withdraw_invitation,
)
from teams.services.tree import STRICTNESS


@page("signed_in")
def teams(request: HttpRequest) -> HttpResponse:
    """List the teams this person is in."""
    return tree_page(request, _may_create(request.user))  # type: ignore[arg-type]


def _may_create(user: User) -> bool:
    return "team.manage" in permissions_somewhere(user)


class TeamForm(GatehouseForm):
    """A team's name, contact and rules."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    contact_email = forms.EmailField(required=False, help_text="Whom callers of the team's APIs write to.")
    required_approvals = forms.IntegerField(
        min_value=0, max_value=10, initial=1,
        help_text="How many others approve a publication. At 0 one person publishes alone.",
    )  # fmt: skip
    minimum_notice_days = forms.IntegerField(
        min_value=0, max_value=3650, initial=30, help_text="Days between a deprecation and its sunset, at least."
    )
    reviewer_role = forms.ChoiceField(
        label="Who reviews", initial="publisher", required=False,
        choices=[("publisher", "All who may review"), ("owner", "Those of them who manage the team")],
    )  # fmt: skip
    review_checklist = forms.CharField(
        max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One line each. Who approves ticks every line.",
    )  # fmt: skip

    def clean_reviewer_role(self) -> str:
        """Return the choice, publishers where none was made."""
        return self.cleaned_data["reviewer_role"] or "publisher"


@page("signed_in", methods=("GET", "HEAD", "POST"))
def new_team(request: HttpRequest) -> HttpResponse:
    """Create a team."""
    user: User = request.user  # type: ignore[assignment]
    parent = team_for(user, request.GET["below"]) if request.GET.get("below") else None
    initial = {rule: getattr(parent, rule) for rule in STRICTNESS} if parent else {}
    form = TeamForm(request.POST or None, initial=initial)

    def create() -> str:
        team = create_team(actor=user, parent=parent, **form.cleaned_data)
        messages.success(request, f"{team.name} is there. Invite its people.")
        return f"/teams/{team.slug}"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    may = has_permission(user, parent, "team.manage") if parent else _may_create(user)
    context = {"form": form, "can_create": may, "parent": parent}
    return render_page(request, "teams/new.html", context, status=422 if form.is_bound else 200)


def head_of(request: HttpRequest, team: Team, current: str) -> dict[str, Any]:
    """Return the context every page of a team has."""
    base = f"/teams/{team.slug}"
    rows = [("overview", "Overview", base), ("members", "Members", f"{base}/members"),
            ("roles", "Roles", f"{base}/roles"), ("settings", "Settings", f"{base}/settings")]  # fmt: skip
    may = permissions_in(request.user, team)  # type: ignore[arg-type]
    rows.append(("lint", "Lint rules", f"{base}/lint"))
    if "team.manage" in may:
        rows.append(("webhooks", "Webhooks", f"{base}/webhooks"))
        rows.append(("service-accounts", "Service accounts", f"{base}/service-accounts"))
    return {
        "team": team,
        "base": base,
        "crumbs": crumbs_of(request.user, team),  # type: ignore[arg-type]
        "tabs": [Tab(title, url, name == current) for name, title, url in rows],
        "may": may,
    }


@page("team.view")
def team(request: HttpRequest, team: str) -> HttpResponse:
    """Show a team: people, APIs, applications, and what to do next."""
    found = team_for(request.user, team)  # type: ignore[arg-type]
    apis = Api.objects.filter(team=found).order_by("name")
    context = {
        **head_of(request, found, "overview"),
        "members": members_of(found)[:10],
        "children": found.children.order_by("name")[:50],
        "member_count": found.memberships.filter(user__service_team=None).count(),
        "apis": apis[:10],
        "applications": found.applications.all()[:10],
        "steps": _steps(found, apis.exists()),
    }
    return render_page(request, "teams/overview.html", context)


def _steps(team: Team, has_api: bool) -> list[dict[str, Any]]:
    base = f"/teams/{team.slug}"
    rows: list[dict[str, Any]] = [
        {"title": "Create the team", "text": "", "url": base, "is_done": True, "done_at": team.created_at},
        {
            "title": "Invite its people", "text": "Several addresses at once.", "url": f"{base}/members",
            "is_done": team.memberships.filter(user__service_team=None).count() > 1 or team.invitations.exists(),
        },
        {
            "title": "Name a contact", "text": "Whom callers write to.", "url": f"{base}/settings",
            "is_done": bool(team.contact_email),
        },
        {"title": "Create the first API", "text": "From a document, a prompt, a form.", "url": "/workspace/new",
         "is_done": has_api},
    ]  # fmt: skip
    if all(row["is_done"] for row in rows):
        return []
    next(row for row in rows if not row["is_done"])["is_next"] = True
    return rows


class InviteForm(GatehouseForm):
    """Addresses and the role they get."""

    emails = forms.CharField(
        label="E-mail addresses", max_length=5000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Several at once: separated by commas, spaces or lines.",
    )  # fmt: skip
    role = forms.ChoiceField(initial=Role.DEVELOPER)

    def __init__(self, roles: Sequence[Held], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.slug, role.name) for role in roles]  # type: ignore[attr-defined]

    def clean_emails(self) -> list[str]:
        """Return the addresses; name the ones that are none."""
        given = self.cleaned_data["emails"].replace(",", " ").replace(";", " ").split()
        bad = [text for text in given if not _is_email(text)]
        if bad:
            raise forms.ValidationError(f"This is no e-mail address: {', '.join(bad[:5])}.")
        if len(given) > 50:
            raise forms.ValidationError(f"At most 50 at once, not {len(given)}.")
        return list(dict.fromkeys(text.lower() for text in given))


def _is_email(text: str) -> bool:
    try:
        forms.EmailField().clean(text)
    except forms.ValidationError:
        return False
    return True


@never_cache
@page("team.view", methods=("GET", "HEAD", "POST"))
def members(request: HttpRequest, team: str) -> HttpResponse:
    """List a team's people; an owner invites more and sees each link once."""
    found = team_for(request.user, team)  # type: ignore[arg-type]
    may_post(request, found, "members.manage", "invite people")
    head, roles = head_of(request, found, "members"), roles_to_give(found)
    givable = [role for role in roles if role.allowed <= head["may"]]
    form = InviteForm(givable, request.POST or None)
    links: list[tuple[str, str]] = []
    if request.method == "POST" and form.is_valid():
        links = _invite(request, found, form)
        form = InviteForm(givable)
    context = {
        **head,
        "form": form,
        "links": links,
        "members": [(row, "members.manage" in head["may"] and row.allowed <= head["may"]) for row in members_of(found)],
        "inherited": inherited_members(found) if found.ancestor_ids else (),
        "invitations": open_invitations(found),
        "roles": [(role.name, explain(role)) for role in roles],
        "role_choices": [(role.slug, role.name) for role in givable],
    }
    return render_page(request, "teams/members.html", context, status=422 if form.errors else 200)


def _invite(request: HttpRequest, team: Team, form: InviteForm) -> list[tuple[str, str]]:
    links = []
    for email in form.cleaned_data["emails"]:
        try:
            _, code = invite_member(team=team, email=email, role=form.cleaned_data["role"], actor=request.user)  # type: ignore[arg-type]
        except Conflict as error:
            messages.warning(request, error.detail)
        else:
            links.append((email, invitation_url(code)))
    return links


@page("members.manage", methods=("POST",))
def member(request: HttpRequest, team: str, member: str) -> HttpResponse:
    """Change a member's role, or remove them."""
    found = team_for(request.user, team)  # type: ignore[arg-type]
    membership = membership_for(request.user, found, member)  # type: ignore[arg-type]
    if request.POST.get("remove"):
        remove_member(membership=membership, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{membership.user} is no longer in {found}. What they made stays.")
    else:
        change_role(membership=membership, role=request.POST.get("role", ""), actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{membership.user} is {membership.role_name} now.")
    return HttpResponseRedirect(f"/teams/{found.slug}/members")


@page("members.manage", methods=("POST",))
def withdraw(request: HttpRequest, team: str, invitation: str) -> HttpResponse:
    """Make an invitation's link useless."""
    found = team_for(request.user, team)  # type: ignore[arg-type]
    row = Invitation.objects.filter(team=found, public_id=invitation).select_related("team").first()
    if row is not None:
        withdraw_invitation(invitation=row, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"The invitation of {row.email} is withdrawn.")
    return HttpResponseRedirect(f"/teams/{found.slug}/members")


class SettingsForm(TeamForm):
    """The same, with the version that was read."""

    row_version = forms.IntegerField(widget=forms.HiddenInput)


@page("team.view", methods=("GET", "HEAD", "POST"))
def settings(request: HttpRequest, team: str) -> HttpResponse:
    """Change a team's name, contact and rules."""
    found = team_for(request.user, team)  # type: ignore[arg-type]
    may_post(request, found, "team.manage", "change its settings")
    names = (*TEAM_FIELDS, "row_version")
    form = SettingsForm(request.POST or None, initial={name: getattr(found, name) for name in names})

    def save() -> str:
        update_team(team=found, actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, "The team's settings are saved.")
        return f"/teams/{found.slug}/settings"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    context = {**head_of(request, found, "settings"), "form": form}
    return render_page(request, "teams/settings.html", context, status=422 if form.is_bound else 200)
