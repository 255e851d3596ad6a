"""Endpoints of lint: the rules, rulesets, a revision's findings, waivers."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apis.lint import RULES
from apis.models import ApiVersion, LintRuleset, LintWaiver, Revision
from apis.services.linting import (
    SEVERITIES,
    custom_rules,
    end_waiver,
    lint_revision,
    read_spectral,
    set_ruleset,
    set_spectral,
    try_spectral,
    waive_rule,
)
from common.concurrency import etag_of, require_match
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.models import Team
from teams.roles import teams_of
from teams.selectors import team_for

GRAVE = [(severity, severity) for severity in SEVERITIES]


class LintRuleSerializer(serializers.Serializer[Any]):
    """One rule as it comes."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=GRAVE)
    title = serializers.CharField()
    why = serializers.CharField()


class LintRulesView(APIView):
    """The rules."""

    permission = "signed_in"

    @extend_schema(responses=LintRuleSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Answer all rules."""
        return Response(LintRuleSerializer(list(RULES.values()), many=True).data)


class RulesetSerializer(serializers.Serializer[Any]):
    """How grave rules are: {code: error, warn, info or off}; what is missing is as it comes."""

    severities = serializers.DictField(child=serializers.ChoiceField(choices=GRAVE))


class RulesetView(APIView):
    """The rules of a team, or under /lint-ruleset those of the organisation."""

    permission = "signed_in"

    @extend_schema(responses=RulesetSerializer)
    def get(self, request: Request, team: str = "") -> Response:
        """Answer what was chosen."""
        return self._answer(self._row(self._team(team)))

    @extend_schema(request=RulesetSerializer, responses=RulesetSerializer)
    def put(self, request: Request, team: str = "") -> Response:
        """Choose anew; documents are scored in the background."""
        found = self._team(team)
        row = self._row(found)
        require_match(row, request.headers.get("If-Match"))
        form = RulesetSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        severities = form.validated_data["severities"]
        user: Any = request.user
        seen = row.row_version if row.pk else None
        return self._answer(set_ruleset(team=found, severities=severities, actor=user, row_version=seen))

    def _team(self, name: str) -> Team | None:
        user: Any = self.request.user
        return team_for(user, name) if name else None

    @staticmethod
    def _row(team: Team | None) -> LintRuleset:
        return LintRuleset.objects.filter(team=team).first() or LintRuleset(team=team)

    @staticmethod
    def _answer(row: LintRuleset) -> Response:
        return Response({"severities": row.severities}, headers={"ETag": etag_of(row)})


class LintFindingSerializer(serializers.Serializer[Any]):
    """What stands against a rule, and where in the canonical document."""

    code = serializers.CharField()
    severity = serializers.CharField()
    message = serializers.CharField()
    pointer = serializers.CharField()


class LintResultSerializer(serializers.Serializer[Any]):
    """A revision's score and findings; what waivers allow costs nothing."""

    score = serializers.IntegerField()
    findings = LintFindingSerializer(many=True)
    waived = LintFindingSerializer(many=True)


class RemarkSerializer(serializers.Serializer[Any]):
    """A part of a ruleset that does nothing here, and why."""

    line = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()


class OriginSerializer(serializers.Serializer[Any]):
    """One rule that holds, and who brought it."""

    code = serializers.CharField()
    severity = serializers.CharField()
    title = serializers.CharField()
    origin = serializers.CharField()


class SpectralSerializer(serializers.Serializer[Any]):
    """A ruleset in Spectral's format, YAML or JSON as it was written; "" for none."""

    source = serializers.CharField(allow_blank=True, trim_whitespace=False)  # type: ignore[assignment]
    remarks = RemarkSerializer(many=True, read_only=True)
    rules = OriginSerializer(many=True, read_only=True)


class TrySerializer(serializers.Serializer[Any]):
    """A ruleset to try, and the revision to try it against."""

    source = serializers.CharField(allow_blank=True, trim_whitespace=False)  # type: ignore[assignment]
    revision = serializers.CharField(max_length=60)


class SpectralView(RulesetView):
    """The ruleset in Spectral's format of a team, or under /lint-ruleset that of the organisation."""

    @extend_schema(responses=SpectralSerializer)
    def get(self, request: Request, team: str = "") -> Response:
        """Answer the ruleset, what of it does nothing here, and all custom rules that hold."""
        found = self._team(team)
        return self._answer_spectral(found, self._row(found))

    @extend_schema(request=SpectralSerializer, responses=SpectralSerializer)
    def put(self, request: Request, team: str = "") -> Response:
        """Activate a ruleset; documents are scored in the background."""
        found = self._team(team)
        row = self._row(found)
        require_match(row, request.headers.get("If-Match"))
        form = SpectralSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user: Any = request.user
        seen = row.row_version if row.pk else None
        made = set_spectral(team=found, source=form.validated_data["source"], actor=user, row_version=seen)
        return self._answer_spectral(found, made)

    @staticmethod
    def _answer_spectral(team: Team | None, row: LintRuleset) -> Response:
        data = {"source": row.spectral, "remarks": read_spectral(row.spectral).remarks, "rules": custom_rules(team)}
        return Response(SpectralSerializer(data).data, headers={"ETag": etag_of(row)})


class SpectralTryView(RulesetView):
    """A trial of a ruleset that is not active."""

    http_method_names = ("post", "options")

    @extend_schema(request=TrySerializer, responses=LintResultSerializer)
    def post(self, request: Request, team: str = "") -> Response:
        """Answer what it would find in a revision of one's teams; nothing is changed."""
        form = TrySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user: Any = request.user
        revision = own_revision(user, form.validated_data["revision"])
        found = try_spectral(team=self._team(team), source=form.validated_data["source"], revision=revision, actor=user)
        return Response(LintResultSerializer(found).data)


def own_revision(user: Any, public_id: str) -> Revision:
    """Return a revision of a person's teams that has a document; raise NotFound."""
    rows = Revision.objects.select_related("version__api__team")
    found = rows.filter(public_id=public_id, version__api__team__in=teams_of(user).values("pk")).first()
    if found is None or not found.document:
        raise NotFound("There is no such revision, or it has no document yet.")
    return found


class LintView(APIView):
    """The lint of a revision of one's own teams."""

    permission = "team.view"

    @extend_schema(responses=LintResultSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """Answer score and findings by the team's rules as they are now."""
        user: Any = request.user
        revision = own_revision(user, public_id)
        return Response(LintResultSerializer(lint_revision(revision)).data)


class LintWaiverSerializer(serializers.ModelSerializer[LintWaiver]):
    """Leave for a rule's findings at a place and below."""

    id = serializers.CharField(source="public_id", read_only=True)
    pointer = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)

    class Meta:
        model = LintWaiver
        fields = ("id", "code", "pointer", "reason", "granted_at", "expires_at")
        read_only_fields = ("granted_at",)


class LintWaiverViewSet(PublicViewSet):
    """The lint waivers of a version of one's own teams."""

    permissions: ClassVar = {"list": "team.view", "create": "apis.waive", "destroy": "apis.waive"}
    serializer_class = LintWaiverSerializer
    queryset = LintWaiver.objects.none()

    @property
    def version(self) -> ApiVersion:
        """Return the version, or 404."""
        rows = ApiVersion.objects.select_related("api__team").filter(api__team__in=teams_of(self.actor).values("pk"))
        found = rows.filter(public_id=self.kwargs["version"]).first()
        if found is None:
            raise NotFound("There is no such version, or it is not your team's.")
        return found

    def get_queryset(self) -> Any:
        """Return the version's waivers."""
        return self.version.lint_waivers.select_related("version__api__team")

    @extend_schema(responses={201: LintWaiverSerializer})
    def create(self, request: Request, version: str) -> Response:
        """Waive a rule."""
        body = self.body(LintWaiverSerializer)
        return self.answer(waive_rule(version=self.version, actor=self.actor, **body), status=201)

    def destroy(self, request: Request, version: str, public_id: str) -> Response:
        """Take a waiver back."""
        end_waiver(waiver=self.get_object(), actor=self.actor)
        return Response(status=204)
