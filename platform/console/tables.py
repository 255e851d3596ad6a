"""Lists: `?q=&sort=&page=&size=` in the URL, totals, CSV of the filtered set."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

SIZES = (25, 50, 100)


class Table:
    """One page of a sorted list. `columns` maps names in `?sort=` to order_by fields; the first is the default.

    The rows are counted, unless the caller knows their `total`.
    """

    def __init__(
        self,
        request: HttpRequest,
        rows: QuerySet[Any] | Sequence[Any],
        *,
        columns: dict[str, str],
        default: str = "",
        total: int | None = None,
    ) -> None:
        self.request = request
        wanted = request.GET.get("sort", default or next(iter(columns), ""))
        name = wanted.removeprefix("-")
        if name not in columns:
            wanted = name = next(iter(columns), "")
        self.sort = "" if wanted.startswith("-") else name
        self.sort_descending = name if wanted.startswith("-") else ""
        if name and isinstance(rows, QuerySet):
            rows = rows.order_by(("-" if wanted.startswith("-") else "") + columns[name], "pk")
        self.source = rows
        self.size = _number(request.GET.get("size"), SIZES[0])
        if self.size not in SIZES:
            self.size = SIZES[0]
        if total is None:
            total = rows.count() if isinstance(rows, QuerySet) else len(rows)
        self.total = total
        self.page_count = max(1, -(-self.total // self.size))
        self.page = min(max(1, _number(request.GET.get("page"), 1)), self.page_count)
        start = (self.page - 1) * self.size
        self.rows = list(rows[start : start + self.size])
        self.start = start + 1 if self.rows else 0

    @property
    def range_text(self) -> str:
        """Say which rows of how many are shown."""
        if not self.total:
            return "No rows"
        return f"{self.start:,}–{self.start + len(self.rows) - 1:,} of {self.total:,}"

    @property
    def previous_url(self) -> str:
        """Return the URL of the page before, or ""."""
        return self._url(page=self.page - 1) if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        """Return the URL of the page after, or ""."""
        return self._url(page=self.page + 1) if self.page < self.page_count else ""

    @property
    def size_urls(self) -> list[tuple[int, str]]:
        """Return a URL for each page size."""
        return [(size, self._url(size=size, page=1)) for size in SIZES]

    csv_url = ""

    def offer_csv(self) -> None:
        """Show the CSV link; the view answers `?format=csv` with `csv_response`."""
        self.csv_url = self._url(format="csv", page=None)

    def sort_url(self, name: str) -> str:
        """Return the URL that sorts by a column; the second click turns the order."""
        return self._url(sort=f"-{name}" if self.sort == name else name, page=1)

    def _url(self, **changes: Any) -> str:
        query = self.request.GET.copy()
        for key, value in changes.items():
            if value is None:
                query.pop(key, None)
            else:
                query[key] = str(value)
        return f"?{query.urlencode()}"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def csv_response(
    name: str, head: Sequence[str], rows: Iterable[Any], cells: Callable[[Any], Sequence[Any]]
) -> HttpResponse:
    """Answer a CSV file; cells that a spreadsheet would run as a formula are quoted with an apostrophe."""
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(head)
    writer.writerows([_safe(cell) for cell in cells(row)] for row in rows)
    response = HttpResponse(content.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
