"""Cursor pagination of the REST API."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class PublicCursorPagination(CursorPagination):
    """`?cursor=&page_size=`, newest first, 50 a page, 200 at most."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-id"
