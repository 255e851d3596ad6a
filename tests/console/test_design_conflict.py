"""Two people edit one design: nothing of either is lost, and what touches different places goes together."""

import re

import pytest

from apis.models import Revision
from console.workspace.conflict import conflict_of

pytestmark = pytest.mark.django_db

BASE = """openapi: 3.1.0
info:
  title: Orders
  version: 1.0.0
  description: Takes orders.
paths:
  /orders:
    get:
      operationId: listOrders
      summary: List orders
      responses:
        "200":
          description: All of them.
components:
  schemas:
    Order:
      type: object
"""
URL = "/workspace/payments/orders/v1/design"


@pytest.fixture
def revision(draft):
    row = draft.revisions.get()
    Revision.objects.filter(pk=row.pk).update(source=BASE)
    row.refresh_from_db()
    return row


def fields_of(page):
    """Return what a browser would post: it reads CRLF and LF as the same, and posts CRLF."""
    from html import unescape

    found = dict(re.findall(r'<input type="(?:hidden|text|number)" name="(\w+)" value="([^"]*)"', page))
    found |= dict(re.findall(r'<textarea name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', page, re.S))
    return {name: unescape(value.replace("\r\n", "\n")).replace("\n", "\r\n") for name, value in found.items()}


@pytest.fixture
def meanwhile(revision, as_user, owner, publisher):
    """Return what happens when a publisher saves while the owner edits: the owner's client and answer."""

    def save(theirs, mine, *, theirs_besides=None, **routing):
        client = as_user(owner)
        read = fields_of(client.get(URL).content.decode())
        other = as_user(publisher)
        posted = fields_of(other.get(URL).content.decode()) | {"source": theirs} | (theirs_besides or {})
        assert other.post(URL, posted).status_code == 302
        return client, client.post(URL, read | {"source": mine} | routing)

    return save


def test_what_touches_different_places_goes_together(meanwhile, revision):
    mine, theirs = BASE.replace("List orders", "List all"), BASE.replace("Takes orders.", "Takes many orders.")
    client, asked = meanwhile(theirs, mine)
    page = asked.content.decode()
    assert asked.status_code == 412
    assert "Publisher saved this design" in page
    assert "1 change of yours and 1 of theirs" in page
    assert "There is nothing to decide" in page
    saved = client.post(URL, fields_of(page) | {"resolve": "merge"})
    assert saved.status_code == 302
    revision.refresh_from_db()
    assert revision.source == theirs.replace("List orders", "List all")


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [("mine", ["title: Mine"]), ("theirs", ["title: Theirs"]), ("both", ["title: Mine\n  title: Theirs"])],
)
def test_a_place_that_both_changed_is_decided(meanwhile, revision, choice, wanted):
    mine, theirs = BASE.replace("title: Orders", "title: Mine"), BASE.replace("title: Orders", "title: Theirs")
    client, asked = meanwhile(theirs, mine)
    fields = fields_of(asked.content.decode())
    refused = client.post(URL, fields | {"resolve": "merge"})
    assert refused.status_code == 422
    assert "1 place of 1 still to decide" in refused.content.decode()
    answer = client.post(URL, fields_of(refused.content.decode()) | {"resolve": "merge", "choice-1": choice})
    assert answer.status_code == 302
    revision.refresh_from_db()
    assert all(text in revision.source for text in wanted)
    # What both do to the document is checked anew: two titles are one too many.
    assert answer["Location"].endswith("/design") is (choice == "both")


def test_keep_mine_and_take_theirs(meanwhile, revision):
    mine, theirs = BASE.replace("Orders", "Mine"), BASE.replace("Orders", "Theirs")
    client, asked = meanwhile(theirs, mine)
    revision.refresh_from_db()
    assert revision.source == theirs
    assert client.post(URL, fields_of(asked.content.decode()) | {"resolve": "mine"}).status_code == 302
    revision.refresh_from_db()
    assert revision.source == mine


def test_somebody_saves_once_more_while_one_decides(meanwhile, revision, as_user, publisher):
    mine = BASE.replace("List orders", "List all")
    client, asked = meanwhile(BASE.replace("Takes", "Took"), mine)
    other = as_user(publisher)
    other.post(
        URL, fields_of(other.get(URL).content.decode()) | {"source": BASE.replace("type: object", "type: array")}
    )
    again = client.post(URL, fields_of(asked.content.decode()) | {"resolve": "merge"})
    assert again.status_code == 412
    client.post(URL, fields_of(again.content.decode()) | {"resolve": "merge"})
    revision.refresh_from_db()
    assert revision.source == mine.replace("type: object", "type: array")


def test_the_routing_goes_together_too(meanwhile, revision):
    client, asked = meanwhile(
        BASE, BASE, total_timeout_seconds="9", connect_timeout_seconds="3",
        theirs_besides={"upstream_url": "http://127.0.0.1:10", "connect_timeout_seconds": "4"},
    )  # fmt: skip
    page = asked.content.decode()
    assert 'name="field-connect_timeout_seconds"' in page
    assert "field-upstream_url" not in page
    client.post(URL, fields_of(page) | {"resolve": "merge", "field-connect_timeout_seconds": "mine"})
    revision.refresh_from_db()
    assert (revision.upstream_url, revision.total_timeout_seconds, revision.connect_timeout_seconds) == (
        "http://127.0.0.1:10", 9, 3,
    )  # fmt: skip


def test_a_refused_value_keeps_the_reading_it_came_with(meanwhile, as_user, owner, publisher, revision):
    client = as_user(owner)
    read = fields_of(client.get(URL).content.decode())
    other = as_user(publisher)
    other.post(URL, fields_of(other.get(URL).content.decode()) | {"source": BASE.replace("Takes", "Took")})
    refused = client.post(URL, read | {"total_timeout_seconds": "no"})
    assert refused.status_code == 422
    assert fields_of(refused.content.decode())["etag"] == read["etag"]


def test_a_viewer_merges_nothing(meanwhile, as_user, member, revision):
    _, asked = meanwhile(BASE.replace("Takes", "Took"), BASE)
    before = Revision.objects.get(pk=revision.pk).source
    as_user(member).post(URL, fields_of(asked.content.decode()) | {"resolve": "merge"})
    assert Revision.objects.get(pk=revision.pk).source == before


@pytest.mark.parametrize("base_routing", ["", "[", "[1]", '{"upstream_url": 5}'])
def test_what_a_browser_says_of_the_base_is_not_trusted(revision, base_routing):
    found = conflict_of(
        source="x", routing={"upstream_url": "http://mine"}, base_source="y", base_routing=base_routing, stored=revision
    )
    assert [field.name for field in found.fields] == ["upstream_url"]
    assert len(found.merge.disputes) == 1


def test_the_outline_names_paths_operations_and_schemas_with_their_lines(as_user, owner, revision):
    page = as_user(owner).get(URL).content.decode()
    rows = re.findall(r'data-line="(\d+)">(.*?)</button>', page.split('id="outline"')[1], re.S)
    shown = [(int(line), " ".join(re.sub(r"<[^>]+>", "", text).split())) for line, text in rows]
    assert shown == [
        (7, "/orders, line 7"), (8, "GET /orders, line 8"), (16, "schema Order, line 16"),
    ]  # fmt: skip


def test_while_typing_the_outline_follows_and_stays_when_nothing_can_be_read(as_user, owner, revision):
    client = as_user(owner)
    typed = client.post(f"{URL}/problems", {"source": BASE.replace("/orders", "/parcels")}).content.decode()
    assert '<hx-partial hx-target="#outline"' in typed
    assert "/parcels" in typed
    assert "hx-partial" not in client.post(f"{URL}/problems", {"source": BASE + "\n: ["}).content.decode()


def test_a_document_that_came_on_one_line_is_laid_out(draft, as_user, owner, member):
    stored = draft.revisions.get().source
    assert "\n" not in stored
    read = fields_of(as_user(owner).get(URL).content.decode())
    assert read["source"].startswith('{\r\n  "openapi": "3.1.0",')
    assert read["base_source"] == read["source"]
    assert "\n  &quot;info&quot;" in as_user(member).get(URL).content.decode()
