"""The JSON forms of manifests, plans and applies."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from manifests.models import ManifestApply


class ManifestsSerializer(serializers.Serializer[Any]):
    """Manifests, in one of three ways: `text` (a YAML stream), `files` by path, or `objects`; and how to apply them."""

    text = serializers.CharField(required=False, trim_whitespace=False, help_text="A stream of YAML documents.")
    files = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False,
        help_text="YAML files by path, with the documents they name by `file:`.",
    )  # fmt: skip
    objects = serializers.ListField(
        child=serializers.JSONField(), required=False, help_text="The manifests themselves, as JSON objects."
    )
    secrets = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False), required=False, write_only=True,
        help_text="Values of the variables that manifests name by `from_env`.",
    )  # fmt: skip
    source = serializers.RegexField(  # type: ignore[assignment]
        r"^[\w./@:-]+$", max_length=100, required=False, allow_blank=True,
        help_text="Where the manifests are kept, such as payments-repo: what it applies is marked as managed by it.",
    )  # fmt: skip
    prune = serializers.BooleanField(
        default=False, help_text="Remove what the source applied before and names no more."
    )
    take_over = serializers.BooleanField(default=False, help_text="Take objects over that another source manages.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for exactly one way."""
        given = [name for name in ("text", "files", "objects") if name in attrs]
        if len(given) != 1:
            raise serializers.ValidationError("Send text, files or objects: one of the three.")
        return attrs


class ManifestsToApplySerializer(ManifestsSerializer):
    """Manifests to apply."""

    plan = serializers.CharField(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="The hash of the plan that was looked at: 412 when the state moved since.",
    )
    keep_going = serializers.BooleanField(default=False, help_text="Do what can be done when some objects are refused.")


class FieldChangeSerializer(serializers.Serializer[Any]):
    """One field before and after."""

    field = serializers.CharField()  # type: ignore[assignment]
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)


class ManifestEntrySerializer(serializers.Serializer[Any]):
    """One object's part of a plan."""

    kind = serializers.CharField()
    key = serializers.CharField()
    team = serializers.CharField(allow_blank=True)
    action = serializers.ChoiceField(choices=["create", "change", "move", "remove", "none"])
    changes = FieldChangeSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    waiting = serializers.CharField(allow_blank=True, help_text="Who has to act before it is as the manifest says.")
    impact = serializers.JSONField(allow_null=True, help_text="Whom a move of a version hits.")
    contract_changes = serializers.ListField(
        child=serializers.JSONField(), help_text="What a release changes for callers."
    )
    refusal = serializers.JSONField(allow_null=True, help_text="{code, problems: [{detail, pointer, file, line}]}")
    url = serializers.CharField(allow_blank=True)
    file = serializers.CharField(allow_blank=True)
    line = serializers.IntegerField()


class ManifestPlanSerializer(serializers.Serializer[Any]):
    """A plan, or what an apply did."""

    hash = serializers.CharField()
    is_applied = serializers.BooleanField()
    apply = serializers.CharField(allow_null=True, help_text="The id of the apply in the log.")
    summary = serializers.DictField(child=serializers.IntegerField())
    entries = ManifestEntrySerializer(many=True)


class ManifestApplySerializer(serializers.ModelSerializer[ManifestApply]):
    """One apply that changed something or was refused."""

    id = serializers.CharField(source="public_id", read_only=True)
    actor = serializers.CharField(source="actor.name", read_only=True)

    class Meta:
        model = ManifestApply
        fields = ("id", "source", "outcome", "actor", "at", "plan_hash", "entries")

    entries = serializers.SerializerMethodField()

    def get_entries(self, row: ManifestApply) -> list[dict[str, Any]]:
        """Return what the reader may see of it."""
        from manifests.selectors import entries_for

        return entries_for(self.context["request"].user, row)
