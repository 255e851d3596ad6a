"""Operations of documents as rows, whether they are kept or read anew."""

from __future__ import annotations

from collections.abc import Iterable

from apis.design.operations import OperationSpec
from apis.models import Operation


def operation_rows(specs: Iterable[OperationSpec]) -> list[Operation]:
    """Return operations as rows of no revision yet, in their order."""
    return [
        Operation(
            operation_id=spec.operation_id,
            method=spec.method,
            path=spec.path,
            summary=_line(spec.summary, 300),
            tags=[_line(tag, 100) for tag in spec.tags],
            is_deprecated=spec.is_deprecated,
            position=position,
        )
        for position, spec in enumerate(specs)
    ]


def _line(text: str, limit: int) -> str:
    return " ".join(text.split())[:limit]
