"""CSV beside JSON: `?format=csv` or `Accept: text/csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

CsvTable = tuple[Iterable[str], Iterable[Mapping[str, Any]]]


class CsvRenderer(BaseRenderer):
    """Renders what the view returns from `csv_table(data)`: names of columns and rows; errors stay JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the file."""
        context = renderer_context or {}
        if context["response"].exception:
            return orjson.dumps(data)
        table: CsvTable = context["view"].csv_table(data)
        columns, rows = table
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows({name: _safe(cell) for name, cell in row.items()} for row in rows)
        return out.getvalue().encode()


def _safe(cell: Any) -> Any:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
