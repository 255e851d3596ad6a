"""Collections: APIs that a team puts together for a purpose."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.models import Api, Collection
from apis.selectors import Catalog, CatalogFilters, catalog_rows, visible_apis
from apis.services.collections import create_collection, delete_collection, update_collection
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from teams.models import Team, User
from teams.roles import has_permission, require_permission, teams_with

CRUMBS = [("Catalog", "/catalog")]


class CollectionForm(GatehouseForm):
    """Its name, what it is for, its APIs."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    apis = forms.CharField(
        label="APIs", max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 6}),
        help_text="One per line as the catalog's address has it, such as payments/orders.",
    )  # fmt: skip

    def __init__(self, user: User, *args: object, **kwargs: object) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_apis(self) -> list[Api]:
        """Return the APIs; name each that is not there."""
        names = self.cleaned_data["apis"].replace(",", " ").split()
        slugs = {name.strip("/").removeprefix("catalog/") for name in names}
        rows = visible_apis(self.user).filter(slug__in=[slug.rpartition("/")[2] for slug in slugs])
        found = {f"{row.team.slug}/{row.slug}": row for row in rows}
        if missing := sorted(slugs - set(found)):
            raise forms.ValidationError(f"There is no API {', '.join(missing[:5])}, or it is not shared with you.")
        return [found[slug] for slug in sorted(slugs)]


class NewForm(CollectionForm):
    """The same, with the team it belongs to."""

    team = forms.ModelChoiceField(Team.objects.none(), empty_label=None)
    field_order = ("team", "name", "description", "apis")

    def __init__(self, user: User, *args: object, **kwargs: object) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["team"].queryset = teams_with(user, "apis.manage")  # type: ignore[attr-defined]


class EditForm(CollectionForm):
    """The same, with the version that was read."""

    row_version = forms.IntegerField(widget=forms.HiddenInput)


def _collection(slug: str) -> Collection:
    found = Collection.objects.select_related("team").filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such collection.")
    return found


@page("signed_in")
def collection(request: HttpRequest, collection: str) -> HttpResponse:
    """Show a collection, and of it the APIs this person may see."""
    user: User = request.user  # type: ignore[assignment]
    found = _collection(collection)
    table = Table(request, Catalog(user, CatalogFilters(collection=found.slug)).entries(), columns={})
    context = {
        "collection": found, "table": table, "rows": catalog_rows(table.rows), "crumbs": CRUMBS,
        "can_edit": has_permission(user, found.team, "apis.manage"),
    }  # fmt: skip
    return render_page(request, "catalog/collection.html", context)


@page("signed_in", methods=("GET", "HEAD", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Make a collection."""
    user: User = request.user  # type: ignore[assignment]
    form = NewForm(user, request.POST or None)

    def create() -> str:
        made = create_collection(actor=user, **form.cleaned_data)
        messages.success(request, f"{made.name} is there.")
        return f"/catalog/collections/{made.slug}"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    context = {"form": form, "crumbs": CRUMBS, "can_create": teams_with(user, "apis.manage").exists()}
    return render_page(request, "catalog/collection_form.html", context, status=422 if form.errors else 200)


@page("apis.manage", methods=("GET", "HEAD", "POST"))
def edit(request: HttpRequest, collection: str) -> HttpResponse:
    """Change a collection."""
    user: User = request.user  # type: ignore[assignment]
    found = _collection(collection)
    require_permission(actor=user, team=found.team, permission="apis.manage", what="change its collections")
    seen = (
        found.apis.filter(pk__in=visible_apis(user).values("pk")).select_related("team").order_by("team__slug", "slug")
    )
    initial = {
        "name": found.name, "description": found.description, "row_version": found.row_version,
        "apis": "\n".join(f"{row.team.slug}/{row.slug}" for row in seen),
    }  # fmt: skip
    form = EditForm(user, request.POST or None, initial=initial)

    def save() -> str:
        update_collection(collection=found, actor=user, **form.cleaned_data)
        messages.success(request, f"{found.name} is saved.")
        return f"/catalog/collections/{found.slug}"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    context = {"form": form, "crumbs": CRUMBS, "collection": found, "can_create": True}
    return render_page(request, "catalog/collection_form.html", context, status=422 if form.errors else 200)


@page("apis.manage", methods=("POST",))
def delete(request: HttpRequest, collection: str) -> HttpResponse:
    """Delete a collection; its APIs stay."""
    found = _collection(collection)
    delete_collection(collection=found, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, f"{found.name} is deleted; its APIs stay as they are.")
    return HttpResponseRedirect("/catalog")
