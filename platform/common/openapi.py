"""The OpenAPI document of our own API: what drf-spectacular cannot see of it, ETags, If-Match and problems."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from common.permissions import declared_permission

# Each status that a refusal can have, by the name of its response in the document (common.errors).
PROBLEMS = {
    "400": ("BadRequest", "The request cannot be read."),
    "401": ("SignInNeeded", "Nobody is signed in, or the access token is not good."),
    "403": ("NotAllowed", "The role does not reach."),
    "404": ("NotFound", "Not there, or not to be known by who asks."),
    "409": ("Conflict", "The state of the object does not allow it."),
    "412": ("Stale", "Somebody changed it meanwhile."),
    "413": ("TooLarge", "Over a size limit."),
    "415": ("UnsupportedMediaType", "The body has a media type that is not read here."),
    "422": ("Invalid", "A value is not valid; `errors` says which."),
    "428": ("ConditionMissing", "If-Match is needed."),
    "503": ("Unavailable", "A part this needs is down."),
}
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "request_id", "help"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "help": {"type": "string", "format": "uri"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"detail": {"type": "string"}, "pointer": {"type": "string"}},
            },
        },
    },
}
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag of the reading that is changed."
)


class HouseSchema(AutoSchema):  # type: ignore[no-untyped-call]
    """Adds to each operation the problems it can answer, and If-Match where the view checks it."""

    def get_override_parameters(self) -> list[Any]:
        """Return If-Match for a view that asks for it."""
        return [IF_MATCH] if self._checks_a_match() else []

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation with its problems."""
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            for status in self._problem_statuses(operation):
                response = {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"}
                operation["responses"].setdefault(status, response)
        return operation

    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def _checks_a_match(self) -> bool:
        """Both ways to check it are seen in the view's code: a call of `matched`, or the header's name."""
        code = getattr(getattr(self.view, self._action(), None), "__code__", None)
        return code is not None and ("matched" in code.co_names or "If-Match" in code.co_consts)

    def _problem_statuses(self, operation: dict[str, Any]) -> list[str]:
        parameters = operation.get("parameters", [])
        statuses = {"401"}
        if declared_permission(self.view, self._action()) != "public":
            statuses.add("403")
        if parameters or self.method != "GET":
            statuses |= {"404", "422"}
        if self.method != "GET":
            statuses |= {"409", "503"}
        if "requestBody" in operation:
            statuses |= {"400", "413", "415"}
        if self._checks_a_match():
            statuses |= {"412", "428"}
        return sorted(statuses)


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put the problem document and its responses into the components (a hook of drf-spectacular)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {
        name: {"description": description, "content": content} for name, description in PROBLEMS.values()
    }
    return result
