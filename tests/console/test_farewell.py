"""The pages of a version's way out: planned moves, the notice, who took note, brownouts, the burn-down."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apis.models import Brownout, PlannedMove
from apis.services.deprecation import deprecate_version
from apis.services.publishing import publish_version
from apis.services.subscriptions import subscribe
from common.clock import now
from console.workspace.burn_down import draw_burn_down
from teams.models import Application, Notice

pytestmark = pytest.mark.django_db
BASE = "/workspace/payments/orders/v1"


def submit(client, path, **fields):
    return client.post(f"{BASE}/{path}", {"form_token": (path.replace("/", "-") * 9)[:36], **fields})


@pytest.fixture
def used(draft, owner, team):
    publish_version(version=draft, actor=owner)
    application = Application.objects.create(team=team, name="Checkout", created_by=owner)
    subscribe(application=application, version=draft, plan=draft.api.plans.get(), actor=owner)
    return draft


def test_a_publication_is_planned_shown_and_cancelled(draft, publisher, as_user):
    client = as_user(publisher)
    assert submit(client, "publish", at="2001-01-01T00:00").status_code == 422
    assert submit(client, "publish", at="2099-03-01T08:00").status_code == 303
    page = client.get(BASE).content.decode()
    assert "Publish is planned for" in page
    assert "1 March 2099" in page
    planned = PlannedMove.objects.get()
    assert client.post(f"{BASE}/planned/{planned.public_id}/cancel").status_code == 302
    assert "is planned for" not in client.get(BASE).content.decode()


def test_the_notice_is_shown_before_it_is_sent_and_noted_in_the_catalog(used, publisher, developer, as_user):
    client = as_user(publisher)
    page = client.get(f"{BASE}/deprecate").content.decode()
    assert "The notice as it will read" in page
    assert "New subscriptions are refused" in page
    submit(client, "deprecate", sunset="2099-01-01", reason="Old.")
    assert Notice.objects.filter(user=developer).exists()
    theirs = as_user(developer)
    catalog = "/catalog/payments/orders/v1"
    assert "We have taken note" in theirs.get(catalog).content.decode()
    assert "not yet" in client.get(f"{BASE}/callers").content.decode()
    theirs.post(f"{catalog}/acknowledge")
    assert "We have taken note" not in theirs.get(catalog).content.decode()
    assert "1 of 1 told have taken note" in client.get(f"{BASE}/callers").content.decode()


def test_a_brownout_is_planned_and_cancelled_and_a_message_sent(used, owner, publisher, developer, as_user):
    deprecate_version(version=used, sunset_at=now() + timedelta(days=9), reason="Old.", actor=owner)
    client = as_user(publisher)
    refused = submit(client, "callers", starts_at="2001-01-01T00:00", minutes=10)
    assert refused.status_code == 422
    assert "an hour from now" in refused.content.decode()
    start = now() + timedelta(days=1)
    assert submit(client, "callers", starts_at=f"{start:%Y-%m-%dT%H:%M}", minutes=10).status_code == 303
    assert "It refuses every call from" in as_user(developer).get("/catalog/payments/orders/v1").content.decode()
    brownout = Brownout.objects.get()
    assert client.post(f"{BASE}/callers/brownouts/{brownout.public_id}/cancel").status_code == 302
    assert submit(client, "callers/write", text="Please move.").status_code == 303
    assert Notice.objects.filter(user=developer, text__startswith="Please move.").exists()


@pytest.mark.parametrize("path", ["callers/write", "callers/brownouts/brn_x/cancel", "planned/pmv_x/cancel"])
def test_a_member_may_not_and_a_stranger_learns_nothing(used, member, stranger, as_user, path):
    assert submit(as_user(member), path, text="x").status_code in (403, 404)
    assert submit(as_user(stranger), path, text="x").status_code == 404


def test_the_burn_down_stacks_five_applications_and_the_rest():
    days = {date(2026, 1, day): {f"app_{n}": n * day for n in range(1, 8)} for day in range(1, 15)}
    chart = draw_burn_down(days, {"app_7": "Checkout"}, [(datetime(2026, 1, 3, tzinfo=UTC), "deprecated")])
    assert [name for _, name in chart.legend] == ["Checkout", "app_6", "app_5", "app_4", "app_3", "Other"]
    last = [bar for bar in chart.bars if bar.text.startswith("14 January")]
    assert sum(bar.height for bar in last) == pytest.approx(chart.height - 16, abs=1)
    assert chart.marks[0].text == "deprecated"
    assert chart.rows[0] == (date(2026, 1, 14), 14 * 28, 7)
    assert chart.summary.startswith("7 applications with ")


def test_a_burn_down_without_a_call_is_empty():
    chart = draw_burn_down({date(2026, 1, 1): {}}, {})
    assert (chart.bars, chart.top) == ((), 0)
    assert (
        chart.summary == "0 applications with 0 calls in the last 7 days, 0 applications with 0 calls in the 7 before."
    )
