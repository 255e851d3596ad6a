"""A column for OpenAPI documents: PostgreSQL's `json` keeps the order of keys, which `jsonb` does not."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from psycopg.types.json import Json


class DocumentField(models.JSONField):
    """Holds one document as it was written, keys in order. It is read whole and never searched inside."""

    def db_type(self, connection: Any) -> str:
        """Return the type of the column."""
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the document; the driver has decoded it already."""
        return json.loads(value) if isinstance(value, str) else value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return the document as the driver takes it."""
        return None if value is None else Json(value)
