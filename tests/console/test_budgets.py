"""What a page may cost: bytes over the wire, queries, nodes; the same for ten rows and for a hundred."""

from __future__ import annotations

import re
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api
from apis.services.contracts import create_api
from teams.services.applications import create_application
from teams.services.audit import record_audit

pytestmark = pytest.mark.django_db

FIRST_VISIT_BYTES, LATER_BYTES, REQUESTS = 180 * 1024, 30 * 1024, 10
LISTS = {"/catalog": 15, "/workspace": 12, "/applications": 8, "/teams": 8, "/admin/audit": 8, "/ai/models": 8}
ASSET = re.compile(r'(?:src|href)="/static/([^"#]+)')


def queries(client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


@pytest.fixture
def fill(team, owner):
    """Return a function that adds rows of every listed kind."""

    def add(number: int, start: int) -> None:
        for index in range(start, start + number):
            create_api(team=team, kind=Api.Kind.REST, name=f"Api number {index}", actor=owner)
            create_application(team=team, name=f"Application {index}", actor=owner)
            record_audit(actor=owner, verb="test.row", target=team, team=team)

    return add


@pytest.mark.parametrize("path", LISTS)
def test_a_list_asks_the_same_for_ten_rows_and_for_a_hundred(path, fill, as_user, owner):
    client = as_user(owner)
    fill(10, 0)
    client.get(path)
    few = queries(client, path)
    fill(90, 10)
    many = queries(client, f"{path}?size=100")
    assert many <= few
    assert few <= LISTS[path]


def compressed(path: Path) -> int:
    return len(brotli.compress(path.read_bytes()))


def find(name: str) -> Path:
    return next(folder / name for folder in settings.STATICFILES_DIRS if (folder / name).exists())


def test_a_common_page_weighs_what_it_may(as_user, owner):
    page = as_user(owner).get("/catalog")
    html = len(brotli.compress(page.content))
    assets = set(ASSET.findall(page.content.decode()))
    assert len(assets) + 1 <= REQUESTS
    assert html + sum(compressed(find(name)) for name in assets) <= FIRST_VISIT_BYTES
    assert html <= LATER_BYTES
    assert b"https://" not in page.content.replace(b"http://www.w3.org", b"")


def test_a_hundred_rows_stay_below_the_nodes_of_a_table(fill, as_user, owner):
    fill(100, 0)
    page = as_user(owner).get("/workspace?size=100").content.decode()
    assert page.count("<") / 2 <= 5000


def test_a_name_of_120_characters_in_any_script_breaks_nothing(team, owner, as_user):
    for name in ("a" * 120, "مرحبا بالعالم " * 8, "🧭" * 60, "<script>alert(1)</script>"):
        create_application(team=team, name=name[:120], actor=owner)
        create_api(team=team, kind=Api.Kind.REST, name=name[:120], actor=owner)
    for path in ("/applications", "/workspace", "/", "/search?q=a", "/admin/audit"):
        page = as_user(owner).get(path)
        assert page.status_code == 200, path
        assert b"<script>alert" not in page.content


def test_a_double_click_makes_one_team(as_user, admin):
    from teams.models import Team

    client = as_user(admin)
    form = {"name": "Twice", "required_approvals": 0, "minimum_notice_days": 0, "form_token": "t" * 24}
    first, second = client.post("/teams/new", form), client.post("/teams/new", form)
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"]
    assert Team.objects.filter(name="Twice").count() == 1


def test_a_wrong_value_keeps_what_was_typed(as_user, admin):
    form = {"name": "Kept", "contact_email": "not an address", "required_approvals": 0, "minimum_notice_days": 0,
            "form_token": "u" * 24}  # fmt: skip
    page = as_user(admin).post("/teams/new", form)
    assert page.status_code == 422
    text = page.content.decode()
    assert 'value="Kept"' in text
    assert 'value="not an address"' in text
    assert 'aria-invalid="true"' in text


def test_staff_read_rows_and_change_none(as_user, admin):
    client = as_user(admin)
    for app, model in (("teams", "team"), ("apis", "api"), ("providers", "provider"), ("prompts", "prompttemplate")):
        assert client.get(f"/staff/{app}/{model}/").status_code == 200
        assert client.get(f"/staff/{app}/{model}/add/").status_code == 403
