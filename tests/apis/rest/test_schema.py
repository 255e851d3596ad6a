import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from common.permissions import PERMISSIONS, declared_permission
from common.problem_types import PROBLEM_TYPES

pytestmark = pytest.mark.django_db


def test_our_own_document_is_valid_and_made_without_a_warning():
    with GENERATOR_STATS.silence():
        document = SchemaGenerator().get_schema(request=None, public=True)
        found = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    validate_schema(document)
    assert found == []
    assert "/api/v1/versions/{public_id}/publish" in document["paths"]


def test_every_route_of_apis_declares_a_permission_for_each_action():
    from apis.rest.urls import urlpatterns

    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        actions = getattr(pattern.callback, "actions", None) or {"any": "any"}
        for action in actions.values():
            assert declared_permission(view, action) in PERMISSIONS


def test_every_code_that_apis_raises_has_its_public_page():
    import re
    from pathlib import Path

    import apis

    root = Path(apis.__file__).parent
    codes = {
        code
        for path in [*root.glob("*.py"), *root.glob("services/*.py"), *root.glob("rest/*.py")]
        for code in re.findall(r'code="([a-z-]+)"', path.read_text())
    }
    assert len(codes) > 10
    assert codes - set(PROBLEM_TYPES) == set()
