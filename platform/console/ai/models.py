"""AI providers and models: reach a model, know its price."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.errors import NotFound
from common.identifiers import validate_slug
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import Tab, render_page
from console.tables import Table
from providers import selectors
from providers.models import Model, Provider
from providers.services.models import create_model, remove_alias, set_alias, set_price
from providers.services.providers import (
    add_provider_key,
    create_provider,
    revoke_provider_key,
    try_provider,
    update_provider,
)


def tabs(current: str) -> list[Tab]:
    """Return the tabs of the place."""
    rows = [("models", "Models"), ("providers", "Providers"), ("prompts", "Prompts")]
    return [Tab(title, f"/ai/{name}", name == current) for name, title in rows]


@page("signed_in")
def providers(request: HttpRequest) -> HttpResponse:
    """List the providers."""
    rows = selectors.providers()
    return render_page(request, "ai/providers.html", {"providers": rows, "tabs": tabs("providers")})


class ProviderForm(GatehouseForm):
    """A provider by fields."""

    name = forms.CharField(max_length=120, help_text="Such as: OpenAI, or the team that runs it.")
    slug = forms.CharField(
        max_length=60, required=False, validators=[validate_slug],
        help_text="The first half of a model's name: slug/model. Made of the name when empty.",
    )  # fmt: skip
    base_url = forms.CharField(
        label="Base URL", max_length=500, help_text="Up to and with the version, such as https://api.openai.com/v1"
    )
    secret = forms.CharField(
        label="API key", max_length=4096, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Sealed at once and never shown again. Leave empty when it needs none.",
    )  # fmt: skip
    models = forms.CharField(
        max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Names as the provider calls them, one per line. More can be added later.",
    )  # fmt: skip
    price_provider = forms.CharField(
        label="Prices of", max_length=60, required=False,
        help_text="The provider's id in the price library, such as openai; empty when it has none.",
    )  # fmt: skip


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def new_provider(request: HttpRequest) -> HttpResponse:
    """Add a provider."""
    form = ProviderForm(request.POST or None)

    def create() -> str:
        data = form.cleaned_data
        made = create_provider(
            name=data["name"], slug=data["slug"] or None, base_url=data["base_url"], secret=data["secret"],
            models=[line.strip() for line in data["models"].splitlines() if line.strip()],
            price_provider=data["price_provider"], actor=request.user,  # type: ignore[arg-type]
        )  # fmt: skip
        messages.success(request, f"{made.name} is there. Test the connection.")
        return f"/ai/providers/{made.slug}"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    context = {"form": form, "tabs": tabs("providers")}
    return render_page(request, "ai/provider_new.html", context, status=422 if form.is_bound else 200)


class KeyForm(GatehouseForm):
    """A further key of a provider."""

    name = forms.CharField(max_length=120)
    secret = forms.CharField(
        label="API key", max_length=4096, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )


class ModelForm(GatehouseForm):
    """A further model of a provider."""

    name = forms.CharField(max_length=200, help_text="As the provider calls it.")
    max_output_tokens = forms.IntegerField(min_value=1, required=False)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def provider(request: HttpRequest, provider: str) -> HttpResponse:
    """Show a provider; test it, add keys and models."""
    found = selectors.provider_for(provider)
    actions = {"test": _test, "key": _key, "model": _model, "revoke": _revoke, "switch": _switch}
    context: dict[str, Any] = {"key_form": KeyForm(), "model_form": ModelForm()}
    if request.method == "POST":
        done = actions.get(request.POST.get("action", ""), _unknown)(request, found, context)
        if done is not None:
            return done
    context |= {
        "provider": found,
        "keys": found.keys.order_by("-id"),
        "models": selectors.priced(list(selectors.models().filter(provider=found)[:200])),
        "tabs": tabs("providers"),
        "crumbs": [("AI", "/ai/models"), ("Providers", "/ai/providers")],
    }
    has_errors = context["key_form"].errors or context["model_form"].errors
    return render_page(request, "ai/provider.html", context, status=422 if has_errors else 200)


def _unknown(request: HttpRequest, provider: Provider, context: dict[str, Any]) -> HttpResponse | None:
    raise NotFound("There is no such action.")


def _back(provider: Provider) -> str:
    return f"/ai/providers/{provider.slug}"


def _test(request: HttpRequest, provider: Provider, context: dict[str, Any]) -> HttpResponse | None:
    context["answer"] = try_provider(provider=provider, actor=request.user)  # type: ignore[arg-type]
    return None


def _key(request: HttpRequest, provider: Provider, context: dict[str, Any]) -> HttpResponse | None:
    form = context["key_form"] = KeyForm(request.POST)

    def add() -> str:
        add_provider_key(provider=provider, actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, "The key is sealed and in use.")
        return _back(provider)

    return run_form(request, form, add)


def _model(request: HttpRequest, provider: Provider, context: dict[str, Any]) -> HttpResponse | None:
    form = context["model_form"] = ModelForm(request.POST)

    def add() -> str:
        made = create_model(provider=provider, actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, f"{made.wire_name} can be called.")
        return _back(provider)

    return run_form(request, form, add)


def _revoke(request: HttpRequest, provider: Provider, context: dict[str, Any]) -> HttpResponse | None:
    key = provider.keys.filter(public_id=request.POST.get("key", "")).first()
    if key is None:
        raise NotFound("There is no such key of this provider.")
    revoke_provider_key(key=key, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, f"The key {key.name} is no longer used.")
    return HttpResponseRedirect(_back(provider))


def _switch(request: HttpRequest, provider: Provider, context: dict[str, Any]) -> HttpResponse | None:
    update_provider(provider=provider, actor=request.user, is_active=not provider.is_active)  # type: ignore[arg-type]
    messages.success(request, f"{provider.name} is {'on' if provider.is_active else 'off'}.")
    return HttpResponseRedirect(_back(provider))


@page("signed_in")
def models(request: HttpRequest) -> HttpResponse:
    """List the models with prices and aliases."""
    words = request.GET.get("q", "").strip()[:120]
    rows = selectors.models()
    if words:
        rows = rows.filter(name__icontains=words)
    table = Table(request, rows, columns={"name": "name", "provider": "provider__name"})
    context = {"table": table, "rows": selectors.priced(table.rows), "words": words, "tabs": tabs("models")}
    return render_page(request, "ai/models.html", context, fragment="rows")


class PriceForm(GatehouseForm):
    """A price in USD per million tokens."""

    input_usd_per_million = forms.DecimalField(label="Input, USD per million tokens", min_value=0, decimal_places=6)
    output_usd_per_million = forms.DecimalField(label="Output, USD per million tokens", min_value=0, decimal_places=6)
    cached_input_usd_per_million = forms.DecimalField(
        label="Cached input, USD per million tokens", min_value=0, decimal_places=6, required=False
    )


class AliasForm(GatehouseForm):
    """Another name for the model."""

    name = forms.CharField(label="Alias", max_length=60, validators=[validate_slug], help_text="Such as: fast-chat")


def _model_for(provider: str, name: str) -> Model:
    row = selectors.models().filter(provider__slug=provider, name=name).first()
    if row is None:
        raise NotFound("There is no such model.")
    return row


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def model(request: HttpRequest, provider: str, name: str) -> HttpResponse:
    """Show a model; set its price and aliases."""
    found = _model_for(provider, name)
    url = f"/ai/models/{found.provider.slug}/{found.name}"
    price_form, alias_form = PriceForm(), AliasForm()
    if request.method == "POST":
        done, price_form, alias_form = _change_model(request, found, url, price_form, alias_form)
        if done is not None:
            return done
    context = {
        "model": found, "price": selectors.priced([found])[0].price, "price_form": price_form,
        "alias_form": alias_form, "crumbs": [("AI", "/ai/models"), (found.provider.name, _back(found.provider))],
        "prices": found.prices.all()[:20],
    }  # fmt: skip
    has_errors = price_form.errors or alias_form.errors
    return render_page(request, "ai/model.html", context, status=422 if has_errors else 200)


def _change_model(
    request: HttpRequest, found: Model, url: str, price_form: PriceForm, alias_form: AliasForm
) -> tuple[HttpResponse | None, PriceForm, AliasForm]:
    action = request.POST.get("action", "")
    if action == "price":
        price_form = PriceForm(request.POST)

        def price() -> str:
            set_price(model=found, actor=request.user, **price_form.cleaned_data)  # type: ignore[arg-type]
            messages.success(request, "The price counts from now on.")
            return url

        return run_form(request, price_form, price), price_form, alias_form
    if action == "alias":
        alias_form = AliasForm(request.POST)

        def alias() -> str:
            set_alias(model=found, actor=request.user, **alias_form.cleaned_data)  # type: ignore[arg-type]
            messages.success(request, "The alias names this model now.")
            return url

        return run_form(request, alias_form, alias), price_form, alias_form
    row = found.aliases.filter(name=request.POST.get("alias", "")).first()
    if row is None:
        raise NotFound("There is no such alias of this model.")
    remove_alias(alias=row, actor=request.user)  # type: ignore[arg-type]
    return HttpResponseRedirect(url), price_form, alias_form
