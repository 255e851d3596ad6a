"""What the pages' tests share: the demo's API as a draft of the team."""

import json

import pytest

from demo.upstream import DOCUMENT


@pytest.fixture
def draft(owner, team):
    from apis.services.imports import import_document

    job = import_document(
        actor=owner, team=team, source=json.dumps(DOCUMENT), name="Orders", slug="orders",
        upstream_url="http://127.0.0.1:9",
    )  # fmt: skip
    return job.api.versions.select_related("api__team").get()
