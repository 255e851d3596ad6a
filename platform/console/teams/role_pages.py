"""What the role pages of a team and of the whole installation share: the matrix, the form, whom a change hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from common.errors import NotFound
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from teams.models import CustomRole, Role, Team, User
from teams.permissions import BUILT_IN, CATALOGUE, ROLES
from teams.selectors import role_use, usable_roles
from teams.services.custom_roles import create_role, delete_role, update_role
from teams.services.grants import permissions_for


@dataclass(frozen=True, slots=True)
class Column:
    """One role of the matrix; `url` is where it is changed, "" where this person may not."""

    name: str
    note: str
    allowed: frozenset[str]
    url: str = ""


def built_in_columns() -> list[Column]:
    """Return the built-in roles, the least first."""
    return [Column(Role(role).label, "built in", BUILT_IN[role]) for role in ROLES]


def matrix(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return a row per permission: its words, and for each role whether it may."""
    return [
        {"permission": permission, "cells": [(column, permission.name in column.allowed) for column in columns]}
        for permission in CATALOGUE
    ]


class RoleForm(GatehouseForm):
    """A role: its name and what it allows."""

    name = forms.CharField(max_length=60, help_text="What people are called who hold it, such as: Release captain.")
    description = forms.CharField(max_length=300, required=False)
    permissions = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label="What it allows",
        choices=[(permission.name, permission.label) for permission in CATALOGUE if permission.name != "team.view"],
    )  # fmt: skip

    def lines(self, held: frozenset[str]) -> list[dict[str, Any]]:
        """Return a line per permission, with its sentence; what somebody does not hold they cannot tick."""
        chosen = set(self["permissions"].value() or [])
        return [
            {
                "name": known.name,
                "label": known.label,
                "text": known.text,
                "is_chosen": known.name in chosen,
                "is_held": known.name in held,
            }
            for known in CATALOGUE
            if known.name != "team.view"
        ]


class ChangeForm(RoleForm):
    """The same, with the version that was read."""

    row_version = forms.IntegerField(widget=forms.HiddenInput)


class DeleteForm(GatehouseForm):
    """What those get who hold the role."""

    replacement = forms.ChoiceField(label="They get instead")

    def __init__(self, role: CustomRole, *args: Any, is_used: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_used:
            others = [known for known in usable_roles(role.team) if known.pk != role.pk]
            self.fields["replacement"].choices = [  # type: ignore[attr-defined]
                ("", "Choose a role"), *((name, Role(name).label) for name in ROLES),
                *((known.slug, known.name) for known in others),
            ]  # fmt: skip
        else:
            del self.fields["replacement"]


def role_form_page(request: HttpRequest, *, team: Team | None, base: str, head: dict[str, Any]) -> HttpResponse:
    """Make a role."""
    form = RoleForm(request.POST or None)
    actor: User = request.user  # type: ignore[assignment]

    def create() -> str:
        role = create_role(team=team, actor=actor, **form.cleaned_data)
        messages.success(request, f"The role {role.name} is there. Give it to members on their team's page.")
        return base

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    lines = form.lines(permissions_for(actor, team))
    context = {**head, "form": form, "lines": lines, "base": base, "title": "New role", "is_new": True}
    return render_page(request, "roles/form.html", context, status=422 if form.is_bound else 200)


def role_page(request: HttpRequest, role: CustomRole, *, base: str, head: dict[str, Any]) -> HttpResponse:
    """Show who holds a role; change it, or delete it with a replacement."""
    actor: User = request.user  # type: ignore[assignment]
    use = role_use(role)
    is_deleting = request.POST.get("do") == "delete"
    names = ("name", "description", "permissions", "row_version")
    form = ChangeForm(
        request.POST if request.method == "POST" and not is_deleting else None,
        initial={name: getattr(role, name) for name in names},
    )
    goodbye = DeleteForm(role, request.POST if is_deleting else None, is_used=use.is_used)

    def save() -> str:
        update_role(role=role, actor=actor, **form.cleaned_data)
        messages.success(request, f"The role {role.name} is saved; it counts from the next request on.")
        return base

    def delete() -> str:
        moved = delete_role(role=role, actor=actor, replacement=goodbye.cleaned_data.get("replacement", ""))
        hit = f" {moved} member{'s have' if moved != 1 else ' has'} another role now." if moved else ""
        messages.success(request, f"The role {role.name} is deleted.{hit}")
        return base

    if request.method == "POST" and (
        done := run_form(request, goodbye if is_deleting else form, delete if is_deleting else save)
    ):
        return done
    is_wrong = bool(form.errors or goodbye.errors)
    lines = form.lines(permissions_for(actor, role.team))
    context = {
        **head, "form": form, "lines": lines, "goodbye": goodbye, "role": role, "use": use, "base": base,
        "title": role.name,
    }  # fmt: skip
    return render_page(request, "roles/form.html", context, status=422 if is_wrong else 200)


def found_role(role: str, team: Team | None) -> CustomRole:
    """Return a role of a team, or for None of the whole installation; raise NotFound."""
    found = CustomRole.objects.select_related("team").filter(public_id=role, team=team).first()
    if found is None:
        raise NotFound("There is no such role.")
    return found
