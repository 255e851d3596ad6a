"""Forms: widgets with our classes, errors tied to their fields, and a token that makes a double submit harmless."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.errors import Invalid
from common.permission_names import TeamPermission
from common.problems import from_validation_error
from teams.models import Team
from teams.roles import require_permission
from teams.services.forms import once


class GatehouseForm(forms.Form):
    """A form whose widgets carry our classes and whose bad fields say so to assistive technology."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            widget = field.widget
            if isinstance(widget, (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple)):
                continue
            widget.attrs.setdefault("class", "form-select" if isinstance(widget, forms.Select) else "form-control")
            if field.help_text:
                widget.attrs["aria-describedby"] = f"id_{name}_help"

    def full_clean(self) -> None:
        """Validate, then mark the widgets of the bad fields."""
        super().full_clean()
        for name in self.errors if self.is_bound else ():
            if name in self.fields:
                attributes = self.fields[name].widget.attrs
                attributes["aria-invalid"] = "true"
                attributes["aria-describedby"] = f"{attributes.get('aria-describedby', '')} id_{name}_error".strip()

    def take_errors(self, error: Invalid) -> None:
        """Put a service's findings beside the fields they point to, the rest on top."""
        for item in error.errors or [{"detail": error.detail, "pointer": ""}]:
            name = str(item.get("pointer", "")).lstrip("/").split("/")[0]
            self.add_error(name if name in self.fields else None, item["detail"])
            if name in self.fields:
                self.fields[name].widget.attrs["aria-invalid"] = "true"


def may_post(request: HttpRequest, team: Team, permission: TeamPermission, what: str) -> None:
    """Refuse whoever may not post before telling them what their form lacks; reading is not judged here."""
    if request.method == "POST":
        require_permission(actor=request.user, team=team, permission=permission, what=what)  # type: ignore[arg-type]


def new_form_token() -> str:
    """Return a token for the hidden field `form_token`."""
    return secrets.token_urlsafe(24)


def submit_once(request: HttpRequest, work: Callable[[], str]) -> HttpResponse:
    """Run `work` (it returns the URL to go to) once per form token; a repeat goes to the first result."""
    token = request.POST.get("form_token", "")
    url, _ = once(user=request.user, token=token, work=work)  # type: ignore[arg-type]
    response = HttpResponseRedirect(url)
    response.status_code = 303
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)  # type: ignore[assignment]
        response["HX-Redirect"] = url
    return response


def run_form(request: HttpRequest, form: GatehouseForm, work: Callable[[], str]) -> HttpResponse | None:
    """Submit a valid form once; None means that the form has errors and must be shown again with 422."""
    if not form.is_valid():
        return None
    try:
        return submit_once(request, work)
    except Invalid as error:
        form.take_errors(error)
    except ValidationError as error:
        form.take_errors(from_validation_error(error))
    return None
