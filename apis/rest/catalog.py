"""The catalog over REST: search with facets, stars, collections."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apis.models import Api, ApiVersion, Collection
from apis.rest.serializers import ApiSerializer
from apis.selectors import Catalog, CatalogFilters, catalog_rows, visible_apis
from apis.selectors.catalog import BANDS, ORDERS
from apis.services.collections import create_collection, delete_collection, set_favourite, update_collection
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.selectors import team_for

MOST_ROWS = 100


class CatalogQuerySerializer(serializers.Serializer[Any]):
    """What to search for; `offset` goes on where the page before ended."""

    q = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    kind = serializers.ChoiceField(choices=Api.Kind.choices, required=False, default="", allow_blank=True)
    team = serializers.CharField(
        max_length=60, required=False, default="", allow_blank=True, help_text="A team's slug."
    )
    state = serializers.ChoiceField(choices=ApiVersion.State.choices, required=False, default="", allow_blank=True)
    tag = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    category = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)
    score = serializers.ChoiceField(
        choices=[(band, text) for _, band, text in BANDS], required=False, default="", allow_blank=True
    )
    collection = serializers.CharField(
        max_length=60, required=False, default="", allow_blank=True, help_text="A collection's slug."
    )
    sort = serializers.ChoiceField(
        choices=[(name, name) for name in ORDERS], required=False, default="", allow_blank=True
    )
    mine = serializers.BooleanField(required=False, default=False)
    starred = serializers.BooleanField(required=False, default=False)
    offset = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=25)


class CatalogRowSerializer(serializers.Serializer[Any]):
    """One API with the version that is shown, and who uses it: live subscriptions, and those that called in 30 days."""

    api = ApiSerializer()
    version = serializers.CharField(source="version.name")
    version_id = serializers.CharField(source="version.public_id")
    state = serializers.ChoiceField(choices=ApiVersion.State.choices, source="version.state")
    used_by = serializers.IntegerField(source="users.applications", help_text="Applications with a live subscription.")
    used_by_teams = serializers.IntegerField(source="users.teams")
    callers_30d = serializers.IntegerField(source="users.callers", help_text="Applications that called in 30 days.")
    score = serializers.IntegerField(allow_null=True, help_text="The lint score of what is served, 0 to 100.")


class FacetValueSerializer(serializers.Serializer[Any]):
    """One value to narrow to and how many APIs it leaves."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()


class FacetsSerializer(serializers.Serializer[Any]):
    """The values of each facet, each counted under the other filters."""

    kinds = FacetValueSerializer(many=True)
    teams = FacetValueSerializer(many=True)
    states = FacetValueSerializer(many=True)
    categories = FacetValueSerializer(many=True)
    scores = FacetValueSerializer(many=True)
    tags = FacetValueSerializer(many=True)


class CatalogPageSerializer(serializers.Serializer[Any]):
    """A page of the catalog; `nearest` are names that look like words nothing was found for."""

    count = serializers.IntegerField()
    results = CatalogRowSerializer(many=True)
    facets = FacetsSerializer()
    nearest = ApiSerializer(many=True)


class CatalogView(APIView):
    """What the person who asks may find."""

    permission = "signed_in"

    @extend_schema(parameters=[CatalogQuerySerializer], responses=CatalogPageSerializer)
    def get(self, request: Request) -> Response:
        """Search and narrow the catalog."""
        query = CatalogQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = dict(query.validated_data)
        offset, limit = asked.pop("offset"), asked.pop("limit")
        filters = CatalogFilters(
            words=asked.pop("q"), order=asked.pop("sort"), is_mine=asked.pop("mine"),
            is_favourite=asked.pop("starred"), **asked,
        )  # fmt: skip
        catalog = Catalog(request.user, filters)  # type: ignore[arg-type]
        entries = catalog.entries()
        count = entries.count()
        page = {
            "count": count,
            "results": catalog_rows(entries[offset : offset + limit]),
            "facets": catalog.facets(),
            "nearest": catalog.nearest() if filters.words and not count else [],
        }
        return Response(CatalogPageSerializer(page).data)


class StarView(APIView):
    """The star that the person who asks gives an API."""

    permission = "signed_in"

    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, public_id: str) -> Response:
        """Keep an API at hand."""
        return self._set(public_id, is_favourite=True)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        """Keep it no more."""
        return self._set(public_id, is_favourite=False)

    def _set(self, public_id: str, *, is_favourite: bool) -> Response:
        user: Any = self.request.user
        api = visible_apis(user).filter(public_id=public_id).first()
        if api is None:
            raise NotFound("There is no such API.")
        set_favourite(api=api, user=user, is_favourite=is_favourite)
        return Response(status=204)


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    """A collection; its APIs are what `GET /catalog?collection=` answers."""

    id = serializers.CharField(source="public_id", read_only=True)
    team = serializers.CharField(source="team.public_id", read_only=True)

    class Meta:
        model = Collection
        fields = ("id", "team", "slug", "name", "description", "created_at")
        read_only_fields = ("slug", "created_at")


class CollectionChangeSerializer(serializers.Serializer[Any]):
    """Its words and, by their ids, its APIs."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)
    apis = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=500)


class NewCollectionSerializer(CollectionChangeSerializer):
    """The same with the team it belongs to, by id or slug."""

    team = serializers.CharField(max_length=60)


class CollectionViewSet(PublicViewSet):
    """The collections of the installation."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "apis.manage", "update": "apis.manage",
        "destroy": "apis.manage",
    }  # fmt: skip
    serializer_class = CollectionSerializer
    queryset = Collection.objects.select_related("team")

    @extend_schema(request=NewCollectionSerializer, responses={201: CollectionSerializer})
    def create(self, request: Request) -> Response:
        """Make a collection."""
        body = self.body(NewCollectionSerializer)
        body["apis"] = self._apis(body.get("apis", []))
        team = team_for(self.actor, body.pop("team"))
        return self.answer(create_collection(team=team, actor=self.actor, **body), status=201)

    @extend_schema(request=CollectionChangeSerializer)
    def update(self, request: Request, public_id: str) -> Response:
        """Change a collection; without `apis` they stay."""
        collection = self.matched()
        body = self.body(CollectionChangeSerializer)
        body["apis"] = self._apis(body["apis"]) if "apis" in body else list(collection.apis.all())
        return self.answer(
            update_collection(collection=collection, actor=self.actor, row_version=collection.row_version, **body)
        )

    def destroy(self, request: Request, public_id: str) -> Response:
        """Delete a collection."""
        delete_collection(collection=self.matched(), actor=self.actor)
        return Response(status=204)

    def _apis(self, ids: list[str]) -> list[Api]:
        found = list(visible_apis(self.actor).filter(public_id__in=ids))
        if missing := set(ids) - {api.public_id for api in found}:
            raise NotFound(f"There is no API {', '.join(sorted(missing))}.")
        return found
