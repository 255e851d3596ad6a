"""Our own OpenAPI document holds: the REST API gives no answer that the document does not tell of, and no 5xx."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.media_types import YAML_MEDIA_TYPES

from teams.services.tokens import create_access_token
from tests.console.test_routes import ROWS, world  # noqa: F401

pytestmark = pytest.mark.django_db

load_all_checks()
CHECKED = CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
)
FEW, MANY = 3, 40


@schemathesis.deserializer(*YAML_MEDIA_TYPES)
def read_stream(ctx: Any, response: Any) -> str:
    """Take several documents in one answer as the text that they are."""
    return response.text


@pytest.fixture
def operations() -> Iterator[list[Any]]:
    """The operations of our own document, called in this process and on this test's connection."""
    schema = schemathesis.openapi.from_dict(
        json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))
    )
    schema.app = get_wsgi_application()
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield [found.ok() for found in schema.get_all_operations()]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def known_ids(path: str, world: dict[str, str]) -> dict[str, str]:  # noqa: F811
    """Return what stands for the names of an address: the first row of the list before each, or what the world says."""
    parts = path.split("/")
    found = {}
    for before, part in zip(parts, parts[1:], strict=False):
        if part.startswith("{"):
            row = ROWS[before].objects.order_by("pk").first() if before in ROWS else None
            found[part[1:-1]] = row.public_id if row else world.get(part[1:-1], "none")
    return found


def call(operation: Any, known: dict[str, str], token: str, examples: int, answers: Counter[int]) -> list[str]:
    """Call an operation with generated values, half of the times on things that are there; return what was wrong."""

    # The same values at every run, so that a failure is one of the change under test.
    @hypothesis.settings(
        max_examples=examples, derandomize=True, database=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(), is_known=strategies.booleans())
    def run(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {**(case.path_parameters or {}), **known}
        with transaction.atomic():
            response = case.call(headers={"Authorization": f"Bearer {token}"} if token else {})
            transaction.set_rollback(True)
        answers[response.status_code] += 1
        case.validate_response(response, checks=CHECKED)

    wrong: list[str] = []
    try:
        run()
    except* Exception as group:
        wrong += [f"{operation.label}: {error}" for error in group.exceptions]
    return wrong


def call_all(operations: list[Any], world: dict[str, str], token: str, examples: int) -> Counter[int]:  # noqa: F811
    """Call each operation; return how often each status was answered."""
    answers: Counter[int] = Counter()
    wrong = [call(each, known_ids(each.path, world), token, examples, answers) for each in operations]
    assert not any(wrong), "\n\n".join(sum(wrong, []))
    return answers


PEOPLE = ("admin", "owner", "member", "stranger")


@pytest.mark.parametrize(
    ("who", "examples"),
    [("admin", FEW), ("stranger", FEW), *(pytest.param(who, MANY, marks=pytest.mark.slow) for who in PEOPLE)],
)
def test_no_answer_is_undocumented(who, examples, world, operations, request):  # noqa: F811
    _, token = create_access_token(user=request.getfixturevalue(who), name="Contract")
    answers = call_all(operations, world, token, examples)
    assert answers[200] > 50
    assert answers[404] > 50


def test_nobody_is_told_to_sign_in(world, operations):  # noqa: F811
    answers = call_all(operations, world, "", FEW)
    assert answers[401] > 400
    assert set(answers) <= {202, 401, 404, 422}


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(SchemaGenerator().get_schema(request=None, public=True)).validate()
