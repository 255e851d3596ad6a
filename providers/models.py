"""The rows of providers."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from common.clock import now
from common.identifiers import new_public_id, validate_slug
from gateway.dataplane.upstreams.guard import read_origin


def new_provider_id() -> str:
    """Return a provider's public id."""
    return new_public_id("prov")


def new_provider_key_id() -> str:
    """Return a provider key's public id."""
    return new_public_id("pk")


def validate_base_url(url: str) -> None:
    """Raise ValidationError for a URL that cannot be called; which addresses may be is judged when it is."""
    try:
        read_origin(url)
    except ValueError as error:
        raise ValidationError(f"{url!r} cannot be used: {error}.") from error
    if "?" in url or "#" in url:
        raise ValidationError("A base URL has neither ? nor #: paths are added to it.")


class Provider(models.Model):
    """A service that answers AI calls at a base URL in a wire format (`openai`: any OpenAI-compatible server)."""

    class Wire(models.TextChoices):
        OPENAI = "openai", "OpenAI-compatible"

    public_id = models.CharField(max_length=40, unique=True, default=new_provider_id, editable=False)
    slug = models.CharField(max_length=60, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=120)
    wire = models.CharField(max_length=20, choices=Wire.choices, default=Wire.OPENAI)
    # A CharField: the host may be a bare name of a container network, which URLField refuses.
    base_url = models.CharField(
        max_length=500, validators=[validate_base_url], help_text="Up to and with the version, such as https://host/v1"
    )
    price_provider = models.CharField(
        max_length=60, blank=True, help_text="The provider's id in the price library, when it is one of its own."
    )
    is_active = models.BooleanField(default=True)
    row_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ProviderKey(models.Model):
    """A secret of a provider, sealed under the master key and bound to this row."""

    public_id = models.CharField(max_length=40, unique=True, default=new_provider_key_id, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=120)
    sealed = models.BinaryField(editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"


class Model(models.Model):
    """One model of a provider. Its name on the wire is `{provider.slug}/{name}`."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=200, help_text="As the provider calls it.")
    display_name = models.CharField(max_length=200, blank=True)
    context_tokens = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    modalities = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    row_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["provider__slug", "name"]
        constraints = [models.UniqueConstraint(fields=["provider", "name"], name="model_once_per_provider")]

    def __str__(self) -> str:
        return self.wire_name

    @property
    def wire_name(self) -> str:
        """Return the name callers use."""
        return f"{self.provider.slug}/{self.name}"


class ModelAlias(models.Model):
    """Another name for a model, without a slash; aliases do not chain."""

    name = models.CharField(max_length=60, unique=True, validators=[validate_slug])
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.name


class ModelPrice(models.Model):
    """A price set here, in USD per million tokens from a moment on; it wins over the price library."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="prices")
    input_usd_per_million = models.DecimalField(max_digits=14, decimal_places=6, validators=[MinValueValidator(0)])
    output_usd_per_million = models.DecimalField(max_digits=14, decimal_places=6, validators=[MinValueValidator(0)])
    cached_input_usd_per_million = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    effective_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-effective_at"]

    def __str__(self) -> str:
        return f"{self.model} from {self.effective_at:%Y-%m-%d}"
