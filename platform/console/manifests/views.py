"""Manifests by hand: the log of applies, files to a plan, the plan to an apply."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from common.errors import Invalid, TooLarge
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from manifests.plan import Plan
from manifests.reading import MAX_BYTES, read_manifests
from manifests.selectors import applies_for, apply_for, entries_for
from manifests.services.applying import Options, apply_manifests, plan_manifests
from teams.models import User
from teams.roles import teams_of

SUFFIXES = (".yaml", ".yml", ".json")
EXAMPLE = """apiVersion: gatehouse/v1
kind: Application
metadata: {team: payments, name: Checkout}
spec:
  description: The shop's checkout.
"""


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    widget = _FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the files as a list; what is in them is looked at with the form."""
        return list(data or ())


class ManifestsForm(GatehouseForm):
    """Manifests as text or files; after the plan the same as one field, with what was looked at."""

    text = forms.CharField(
        label="Manifests", required=False, strip=False,
        widget=forms.Textarea(
            attrs={"class": "form-control gh-code-input", "rows": 16, "spellcheck": "false", "placeholder": EXAMPLE}
        ),
        help_text="YAML, several documents parted by ---.",
    )  # fmt: skip
    uploads = _FilesField(
        label="Or files", required=False,
        help_text="YAML files with the OpenAPI documents they name, or a zip of a folder.",
    )  # fmt: skip
    source = forms.RegexField(
        r"^[\w./@:-]+$", max_length=100, required=False,
        help_text="Where they are kept, such as payments-repo: what it applies is marked as managed by it.",
    )  # fmt: skip
    prune = forms.BooleanField(label="Remove what the source applied before and names no more", required=False)
    bundle = forms.CharField(required=False, strip=False, widget=forms.HiddenInput())
    plan = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())

    def clean(self) -> dict[str, Any]:
        """Gather the files by path, from whichever field they came."""
        data: dict[str, Any] = super().clean() or {}
        uploads = data.get("uploads") or []
        if data.get("bundle"):
            data["sent"] = _bundled(data["bundle"])
        elif uploads:
            data["sent"] = {name: text for upload in uploads for name, text in _unpacked(upload)}
        elif data.get("text", "").strip():
            data["sent"] = {"manifests.yaml": data["text"]}
        elif not self.errors:
            self.add_error("text", "Paste manifests, or choose files.")
        return data

    def options(self) -> Options:
        """Return how they are applied."""
        data = self.cleaned_data
        return Options(source=data["source"], prunes=data["prune"], plan_hash=data["plan"])


def _bundled(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise forms.ValidationError("The files got lost on the way: choose them again.") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise forms.ValidationError("The files got lost on the way: choose them again.")
    return found


def _unpacked(upload: Any) -> list[tuple[str, str]]:
    """Return the texts of one uploaded file, or of a zip within the limit."""
    content = upload.read()
    if not upload.name.lower().endswith(".zip"):
        return [(upload.name, _text(upload.name, content))]
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        wanted = [info for info in archive.infolist() if info.filename.lower().endswith(SUFFIXES)]
        if sum(info.file_size for info in wanted) > MAX_BYTES:
            raise TooLarge(f"Unpacked, {upload.name} has more than {MAX_BYTES // 1024**2} MB: apply it in parts.")
        return [(info.filename, _text(info.filename, archive.read(info))) for info in wanted]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise forms.ValidationError(f"{upload.name} is no zip that can be read: {error}.") from error


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise forms.ValidationError(f"{name} is no UTF-8 text.") from error


@page("signed_in")
def applies(request: HttpRequest) -> HttpResponse:
    """List the applies of one's teams; offer each team's objects as manifests."""
    user: User = request.user  # type: ignore[assignment]
    rows = applies_for(user).defer("entries")
    table = Table(request, rows, columns={"at": "at", "source": "source"}, default="-at")
    teams = teams_of(user).order_by("name").only("name", "slug")
    return render_page(
        request, "manifests/list.html", {"table": table, "teams": teams, "is_platform": user.sees_everything}
    )


@page("signed_in")
def applied(request: HttpRequest, apply: str) -> HttpResponse:
    """Show one apply: what it did, or why it did nothing."""
    user: User = request.user  # type: ignore[assignment]
    row = apply_for(user, apply)
    entries = entries_for(user, row)
    context = {"row": row, "entries": entries, "crumbs": [("Manifests", "/manifests")]}
    return render_page(request, "manifests/applied.html", context)


@page("signed_in", methods=("GET", "HEAD", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Take manifests, show their plan, then apply exactly that."""
    user: User = request.user  # type: ignore[assignment]
    form = ManifestsForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form, "crumbs": [("Manifests", "/manifests")]}
    if request.method == "POST" and form.data.get("plan"):
        done = run_form(request, form, lambda: _apply(request, user, form))
        if done:
            return done
    elif request.method == "POST" and form.is_valid() and (plan := _plan(form, user)):
        context |= {"plan": plan, "entries": [entry.as_json() for entry in plan.entries]}
        context |= {"bundle": json.dumps(form.cleaned_data["sent"]), "count": len(plan.pending)}
        return render_page(request, "manifests/plan.html", context)
    return render_page(request, "manifests/new.html", context, status=422 if form.is_bound else 200)


def _plan(form: ManifestsForm, user: User) -> Plan | None:
    try:
        manifests = read_manifests(files=form.cleaned_data["sent"])
        return plan_manifests(manifests=manifests, actor=user, options=form.options())
    except Invalid as error:
        _place_errors(form, error)
        return None


def _place_errors(form: ManifestsForm, error: Invalid) -> None:
    for item in error.errors[:50] or [{"detail": error.detail}]:
        where = f"{item['file']}, line {item['line']}: " if item.get("file") and item.get("line") else ""
        form.add_error(None, f"{where}{item['detail']}")


def _apply(request: HttpRequest, user: User, form: ManifestsForm) -> str:
    manifests = read_manifests(files=form.cleaned_data["sent"])
    plan = apply_manifests(manifests=manifests, actor=user, options=form.options())
    if not plan.apply_id:
        messages.success(request, "Everything was as its manifest says: nothing was to be done.")
        return "/manifests"
    said = f"{len(plan.pending)} applied." if plan.is_applied else "Nothing was done: an object is refused."
    messages.success(request, said)
    return f"/manifests/{plan.apply_id}"
