from datetime import timedelta

import pytest

from common.clock import now
from teams.models import AuditAnchor, AuditEvent, Notice
from teams.services.audit import record_audit
from teams.services.audit_chain import check_chain, drop_old_entries, erase_entries, seal_entries, warn_of_break

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(team, owner):
    AuditEvent.objects.all().delete()
    for n in range(5):
        record_audit(actor=owner, verb="key.create", target=team, team=team, after={"n": n, "name": "Ünï"})
    return AuditEvent.objects.order_by("id")


def test_entries_are_sealed_in_order_once(entries):
    assert check_chain().broken is None
    assert seal_entries() == 5
    assert seal_entries() == 0
    assert list(entries.values_list("position", flat=True)) == [1, 2, 3, 4, 5]
    assert len(set(entries.values_list("seal", flat=True))) == 5
    assert check_chain().broken is None


@pytest.mark.parametrize(
    "change",
    [{"verb": "key.revoke"}, {"after": {}}, {"actor_name": "Somebody else"}, {"at": now()}, {"seal": "0" * 64}],
)
def test_a_changed_entry_breaks_the_chain_where_it_stands(entries, change):
    seal_entries()
    AuditEvent.objects.filter(position=3).update(**change)
    assert check_chain().broken.position == 3


def test_an_entry_taken_out_breaks_it(entries):
    seal_entries()
    AuditEvent.objects.filter(position=2).delete()
    assert check_chain().broken.position == 3


def test_an_erased_entry_leaves_it_whole(entries):
    seal_entries()
    assert erase_entries(AuditEvent.objects.filter(position__in=[2, 4])) == 2
    row = AuditEvent.objects.get(position=2)
    assert (row.actor_name, row.after, row.actor) == ("Erased person", {}, None)
    assert check_chain().broken is None
    AuditEvent.objects.filter(position=2).update(verb="key.revoke")
    assert check_chain().broken.position == 2


def test_old_entries_go_and_the_chain_goes_on(entries, team, owner, settings):
    seal_entries()
    AuditEvent.objects.filter(position__lte=3).update(at=now() - timedelta(days=40))
    assert drop_old_entries() == 0
    settings.GATEHOUSE_AUDIT_DAYS = 30
    assert drop_old_entries() == 3
    assert AuditAnchor.objects.get().position == 3
    assert check_chain().broken is None
    record_audit(actor=owner, verb="key.create", target=team, team=team)
    seal_entries()
    assert AuditEvent.objects.latest("id").position == 6
    assert check_chain().broken is None
    assert drop_old_entries() == 0


def test_over_rest(entries, admin, owner, api_as):
    assert api_as(admin).get("/api/v1/audit/verification").json() == {"is_whole": True, "first_broken": None}
    AuditEvent.objects.filter(position=2).update(reason="x")
    assert api_as(admin).get("/api/v1/audit/verification").json() == {"is_whole": False, "first_broken": 2}
    assert api_as(owner).get("/api/v1/audit/verification").status_code == 403


def test_a_break_is_told_to_every_platform_admin_once(entries, admin, owner):
    seal_entries()
    assert not warn_of_break()
    AuditEvent.objects.filter(position=3).update(verb="key.revoke")
    assert warn_of_break()
    assert warn_of_break()
    assert [notice.user for notice in Notice.objects.filter(title__endswith="entry 3")] == [admin]


def test_the_page_shows_the_broken_entry(entries, admin, owner, as_user):
    client = as_user(admin)
    assert "The chain is whole" in client.get("/admin/audit/chain").content.decode()
    broken = AuditEvent.objects.get(position=4)
    AuditEvent.objects.filter(pk=broken.pk).update(verb="key.revoke")
    page = client.get("/admin/audit/chain").content.decode()
    assert "broken at entry 4" in page
    assert "key.revoke" in page
    assert as_user(owner).get("/admin/audit/chain").status_code == 403
    assert "/admin/audit/chain" not in as_user(owner).get("/admin/audit").content.decode()
