"""The environments of the installation."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.selectors import environments as rows
from apis.services.environments import create_environment
from common.permissions import page
from console.admin.views import tabs
from console.forms import GatehouseForm, run_form
from console.pages import render_page


class EnvironmentForm(GatehouseForm):
    """A new environment."""

    slug = forms.SlugField(max_length=40, help_text="As keys and headers name it, such as staging.")
    name = forms.CharField(max_length=120, required=False)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def environments(request: HttpRequest) -> HttpResponse:
    """List the environments; add one."""
    form = EnvironmentForm(request.POST or None)

    def create() -> str:
        made = create_environment(actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, f"{made.name} is there. Teams deploy to it, and make keys for it.")
        return "/admin/environments"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    context = {
        "form": form, "environments": rows.environments(), "tabs": tabs(request.user, "environments"),  # type: ignore[arg-type]
    }  # fmt: skip
    return render_page(request, "admin/environments.html", context, status=422 if form.errors else 200)
