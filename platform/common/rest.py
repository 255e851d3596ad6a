"""What every REST view set here shares: who acts, ETags on reads, If-Match on writes."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.db.models import Model
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from common.concurrency import etag_of, require_match
from common.errors import Invalid


class PublicViewSet(viewsets.GenericViewSet[Any]):
    """Rows are found by their public id among those the person may see; each action names its permission."""

    permissions: ClassVar[dict[str, str]] = {}
    lookup_field = "public_id"

    @property
    def actor(self) -> Any:
        """Return who acts; the permission has made sure that somebody does."""
        return self.request.user

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer a page of rows."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer one row with its ETag."""
        return self.answer(self.get_object())

    def body(self, serializer_class: Any, *, partial: bool = False) -> dict[str, Any]:
        """Return the validated body."""
        if pointer := _unstorable(self.request.data):
            detail = "It holds a character that is none: NUL, or half of a surrogate pair."
            raise Invalid(detail, errors=[{"detail": detail, "pointer": pointer}])
        serializer = serializer_class(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def matched(self) -> Any:
        """Return the row of the URL after checking If-Match: 428 without, 412 for an older reading."""
        row = self.get_object()
        require_match(row, self.request.headers.get("If-Match"))
        return row

    def answer(self, row: Model, *, status: int = 200, serializer_class: Any = None) -> Response:
        """Answer a row with its ETag."""
        if serializer_class is None:
            data = self.get_serializer(row).data
        else:
            data = serializer_class(row, context=self.get_serializer_context()).data
        response = Response(data, status=status)
        response["ETag"] = etag_of(row)
        return response


NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def _unstorable(value: Any, pointer: str = "") -> str:
    """Return the pointer of the first text that neither PostgreSQL nor UTF-8 can hold, "" when there is none."""
    if isinstance(value, str):
        return (pointer or "/") if NO_CHARACTER.search(value) else ""
    if isinstance(value, dict):
        if any(NO_CHARACTER.search(str(key)) for key in value):
            return pointer or "/"
        return next(filter(None, (_unstorable(item, f"{pointer}/{key}") for key, item in value.items())), "")
    if isinstance(value, list):
        return next(filter(None, (_unstorable(item, f"{pointer}/{n}") for n, item in enumerate(value))), "")
    return ""


def once_only(response: Response) -> Response:
    """Mark an answer that holds a secret: no cache keeps it."""
    response["Cache-Control"] = "no-store"
    return response
