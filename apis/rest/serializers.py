"""The JSON forms of apis."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apis.diff import LEVELS
from apis.models import Api, ApiVersion, ImportJob, Plan, Release, Review, Revision, Subscription, Waiver
from apis.selectors import version_url


class ApiSerializer(serializers.ModelSerializer[Api]):
    """An API; `team` is the owning team's id."""

    id = serializers.CharField(source="public_id", read_only=True)
    team = serializers.CharField(source="team.public_id", read_only=True)
    owner = serializers.CharField(source="owner.public_id", read_only=True, allow_null=True)

    class Meta:
        model = Api
        fields = (
            "id", "team", "slug", "name", "kind", "summary", "description", "tags", "category", "base_path",
            "visibility", "is_requestable", "owner", "on_call", "created_at",
        )  # fmt: skip


class NewApiSerializer(serializers.Serializer[Any]):
    """A new API without a document; imports make one with a document."""

    team = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=["rest"], default="rest")
    slug = serializers.CharField(max_length=60, required=False)
    summary = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    description = serializers.CharField(required=False, default="", allow_blank=True)
    category = serializers.CharField(max_length=60, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, default=list)
    base_path = serializers.CharField(max_length=200, required=False)
    visibility = serializers.ChoiceField(choices=Api.Visibility.choices, required=False)


class ApiChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of an API; `shared_with` is a list of team ids or slugs."""

    name = serializers.CharField(max_length=120, required=False)
    summary = serializers.CharField(max_length=300, required=False, allow_blank=True)
    description = serializers.CharField(required=False, allow_blank=True)
    category = serializers.CharField(max_length=60, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False)
    base_path = serializers.CharField(max_length=200, required=False)
    is_requestable = serializers.BooleanField(required=False)
    owner = serializers.CharField(max_length=60, required=False, help_text="A member's id.")
    on_call = serializers.CharField(max_length=200, required=False)
    visibility = serializers.ChoiceField(choices=Api.Visibility.choices, required=False)
    shared_with = serializers.ListField(child=serializers.CharField(max_length=60), required=False)


class VersionSerializer(serializers.ModelSerializer[ApiVersion]):
    """A version and where it stands in its life."""

    id = serializers.CharField(source="public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True)
    url = serializers.SerializerMethodField(help_text="Where its paths are called at the gateway.")
    successor = serializers.CharField(source="successor.public_id", read_only=True, allow_null=True)

    class Meta:
        model = ApiVersion
        fields = (
            "id", "api", "name", "state", "url", "is_blocked", "blocked_reason", "blocked_until", "policy_ref",
            "successor", "published_at", "deprecated_at", "deprecation_reason", "sunset_at", "retired_at",
            "retirement_reason", "created_at",
        )  # fmt: skip

    def get_url(self, version: ApiVersion) -> str:
        """Return the version's address at the gateway."""
        return version_url(version)


class NewVersionSerializer(serializers.Serializer[Any]):
    """A further version; `copy_from` is a version's id."""

    name = serializers.CharField(max_length=5, required=False)
    copy_from = serializers.CharField(max_length=60, required=False)


class MoveSerializer(serializers.Serializer[Any]):
    """A move of a version: whether it can be made now, and why not."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    is_allowed = serializers.BooleanField()
    reason = serializers.CharField()


class PublishVersionSerializer(serializers.Serializer[Any]):
    """The id of the revision that is meant; another one that would be published is refused."""

    revision = serializers.CharField(max_length=60, required=False)


class DeprecateSerializer(serializers.Serializer[Any]):
    """When it stops and what follows."""

    sunset_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    successor = serializers.CharField(max_length=60, required=False, allow_null=True, default=None)


class RetireSerializer(serializers.Serializer[Any]):
    """Needed before the sunset or with callers: the reason and the typed name, such as orders/v1."""

    override_reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    typed_name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """The applications that may call it, by their ids."""

    applications = serializers.ListField(child=serializers.CharField(max_length=60), max_length=500)


class BlockSerializer(serializers.Serializer[Any]):
    """Why, as callers read it, and until when as far as known: the gateway says Retry-After."""

    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)


class RevisionSerializer(serializers.ModelSerializer[Revision]):
    """A revision without its text."""

    id = serializers.CharField(source="public_id", read_only=True)
    version = serializers.CharField(source="version.public_id", read_only=True)
    author = serializers.CharField(source="author.public_id", read_only=True, allow_null=True)

    class Meta:
        model = Revision
        fields = (
            "id", "version", "number", "state", "content_hash", "source_format", "upstream_url",
            "connect_timeout_seconds", "total_timeout_seconds", "max_body_bytes", "gateway", "author", "created_at",
            "updated_at", "submitted_at",
        )  # fmt: skip


class RevisionDetailSerializer(RevisionSerializer):
    """A revision with its text as given and its canonical document."""

    class Meta(RevisionSerializer.Meta):
        fields = (*RevisionSerializer.Meta.fields, "source", "document")  # type: ignore[assignment]


class ChangeSerializer(serializers.Serializer[Any]):
    """One change between two documents; pointers (RFC 6901) are empty where a document has nothing there."""

    key = serializers.CharField(help_text="Names the change in ticks and waivers.")
    code = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    text = serializers.CharField()
    old = serializers.CharField()
    new = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()


class ChangesSerializer(serializers.Serializer[Any]):
    """What changed, breaks first, and the gravest level."""

    level = serializers.ChoiceField(choices=LEVELS)
    changes = ChangeSerializer(many=True)


class HitSerializer(serializers.Serializer[Any]):
    """An application that called the operation in 30 days."""

    application_id = serializers.CharField()
    application_name = serializers.CharField()
    calls = serializers.IntegerField()


class WaiverSerializer(serializers.ModelSerializer[Waiver]):
    """Leave for one breaking change inside a version."""

    granted_by = serializers.CharField(source="granted_by.public_id", read_only=True)

    class Meta:
        model = Waiver
        fields = ("key", "text", "reason", "granted_by", "granted_at", "expires_at")
        read_only_fields = ("text", "granted_at")


class JudgedChangeSerializer(serializers.Serializer[Any]):
    """A change, whom it hits, and the waiver that allows it."""

    change = ChangeSerializer(source="finding")
    applications = HitSerializer(many=True)
    waiver = WaiverSerializer(allow_null=True)


class GateSerializer(serializers.Serializer[Any]):
    """What a revision would change for callers; `outcome` is what the verdict makes of it: a revision or a version."""

    against = serializers.CharField(source="against.public_id", allow_null=True, default=None)
    level = serializers.ChoiceField(choices=LEVELS)
    outcome = serializers.ChoiceField(choices=("revision", "version"))
    changes = JudgedChangeSerializer(many=True)


class NewReleaseSerializer(serializers.Serializer[Any]):
    """Keys of the risky changes that were looked at, and a note for the changelog."""

    accepted = serializers.ListField(child=serializers.CharField(max_length=16), required=False, default=list)
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class RollBackSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A revision that became current, and what that changed."""

    revision = serializers.CharField(source="revision.public_id", read_only=True)
    number = serializers.IntegerField(source="revision.number", read_only=True)
    previous = serializers.CharField(source="previous.public_id", read_only=True, allow_null=True, default=None)
    actor = serializers.CharField(source="actor.public_id", read_only=True, allow_null=True, default=None)
    changes = ChangeSerializer(many=True, read_only=True)

    class Meta:
        model = Release
        fields = ("revision", "number", "previous", "kind", "level", "changes", "note", "actor", "at")


class DraftSerializer(serializers.Serializer[Any]):
    """The working copy: its text (left out, it stays) and routing."""

    source = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)  # type: ignore[assignment]
    upstream_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    connect_timeout_seconds = serializers.FloatField(required=False)
    total_timeout_seconds = serializers.FloatField(required=False)
    max_body_bytes = serializers.IntegerField(required=False)
    gateway = serializers.JSONField(required=False, help_text="Blocks of gateway settings, replaced as a whole.")


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """A verdict."""

    reviewer = serializers.CharField(source="reviewer.public_id", read_only=True)

    class Meta:
        model = Review
        fields = ("reviewer", "verdict", "comment", "at")
        read_only_fields = ("at",)


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    """An import; `findings` say what is wrong with a document."""

    id = serializers.CharField(source="public_id", read_only=True)
    team = serializers.CharField(source="team.public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True, allow_null=True, default=None)
    version = serializers.CharField(source="version.public_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = ImportJob
        fields = ("id", "team", "state", "api", "version", "error", "findings", "created_at", "finished_at")


class NewImportSerializer(serializers.Serializer[Any]):
    """A document to import: `source` as text, `file` as upload (a document or a zip archive), or `source_url`."""

    team = serializers.CharField(max_length=60)
    source = serializers.CharField(required=False, trim_whitespace=False)  # type: ignore[assignment]
    file = serializers.FileField(required=False)
    source_url = serializers.URLField(max_length=1000, required=False)
    root = serializers.CharField(  # type: ignore[assignment]
        max_length=500, required=False, help_text="The document of an archive that has several."
    )
    name = serializers.CharField(max_length=120, required=False)
    slug = serializers.CharField(max_length=60, required=False)
    summary = serializers.CharField(max_length=300, required=False)
    description = serializers.CharField(required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False)
    base_path = serializers.CharField(max_length=200, required=False)
    visibility = serializers.ChoiceField(choices=Api.Visibility.choices, required=False)
    upstream_url = serializers.CharField(max_length=500, required=False)


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """A plan; `limits` as {id, unit, limit, window, algo, by, hard}; `limits_elsewhere` null where the same."""

    id = serializers.CharField(source="public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True)
    limits = serializers.ListField(child=serializers.DictField(), required=False)
    limits_elsewhere = serializers.ListField(child=serializers.DictField(), required=False, allow_null=True)
    allowed_models = serializers.ListField(child=serializers.CharField(max_length=260), required=False)
    approval_steps = serializers.ListField(
        child=serializers.ChoiceField(choices=[("publisher", "Publisher"), ("owner", "Owner")]), required=False
    )

    class Meta:
        model = Plan
        fields = (
            "id", "api", "slug", "name", "description", "limits", "limits_elsewhere", "requires_approval",
            "approval_steps", "decide_within_days", "terms", "is_open", "on_store_error", "unknown_price",
            "allowed_models", "policy_ref", "created_at",
        )  # fmt: skip
        read_only_fields = ("slug",)


class NewPlanSerializer(PlanSerializer):
    """A plan for an API, by the API's id."""

    api = serializers.CharField(max_length=60)


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    """A subscription."""

    id = serializers.CharField(source="public_id", read_only=True)
    application = serializers.CharField(source="application.public_id", read_only=True)
    version = serializers.CharField(source="version.public_id", read_only=True)
    plan = serializers.CharField(source="plan.public_id", read_only=True)
    wanted_plan = serializers.CharField(source="wanted_plan.public_id", read_only=True, allow_null=True)

    class Meta:
        model = Subscription
        fields = (
            "id", "application", "version", "plan", "wanted_plan", "state", "reason", "decide_by", "created_at",
            "started_at", "ended_at",
        )  # fmt: skip


class NewSubscriptionSerializer(serializers.Serializer[Any]):
    """Which application, which version, which plan: ids."""

    application = serializers.CharField(max_length=60)
    version = serializers.CharField(max_length=60)
    plan = serializers.CharField(max_length=60)
    accepts_terms = serializers.BooleanField(required=False, default=False)


class ChangePlanSerializer(serializers.Serializer[Any]):
    """The plan wanted, by its id."""

    plan = serializers.CharField(max_length=60)
    accepts_terms = serializers.BooleanField(required=False, default=False)


class RejectSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class KeyRequestSerializer(serializers.Serializer[Any]):
    """All optional: the application's name, its team, the plan."""

    application_name = serializers.CharField(max_length=120, required=False)
    team = serializers.CharField(max_length=60, required=False)
    plan = serializers.CharField(max_length=60, required=False)


class KeyGrantSerializer(serializers.Serializer[Any]):
    """What one step gave; the key is in this answer alone."""

    application = serializers.CharField(source="application.public_id")
    subscription = serializers.CharField(source="subscription.public_id")
    credential = serializers.CharField(source="credential.public_id")
    key = serializers.CharField()


class TryItSerializer(serializers.Serializer[Any]):
    """A credential for trying calls, in this answer alone."""

    token = serializers.CharField()
    expires_in_seconds = serializers.IntegerField()


class CallerSerializer(serializers.Serializer[Any]):
    """One application's calls."""

    application_id = serializers.CharField()
    application_name = serializers.CharField()
    team_name = serializers.CharField()
    calls = serializers.IntegerField()
    calls_7_days = serializers.IntegerField()
    last_call_at = serializers.DateTimeField(allow_null=True)


class ImpactSerializer(serializers.Serializer[Any]):
    """Who is hit by a move."""

    applications = serializers.IntegerField()
    calls_30_days = serializers.IntegerField()
    teams = serializers.IntegerField()
    rows = CallerSerializer(many=True)
