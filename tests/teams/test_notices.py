from datetime import timedelta
from pathlib import Path

import pytest

from common.clock import now
from teams.models import Notice
from teams.services.notices import mail_due_notices, notify

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    return lambda: sorted(path.read_text() for path in Path(tmp_path).iterdir())


def tell(*people, **fields):
    return notify(people=people, title="v1 was deprecated", text="It ends soon.", url="/catalog/a/b", **fields)


def test_a_notice_is_read_in_the_console_and_mailed_once(owner, as_user, mails):
    assert tell(owner, owner) == 1
    assert mail_due_notices() == 1
    assert mail_due_notices() == 0
    (mail,) = mails()
    assert "To: owner@example.com" in mail
    assert "/catalog/a/b" in mail
    client = as_user(owner)
    page = client.get("/notifications").content.decode()
    assert "v1 was deprecated" in page
    assert "unread notices" in page
    notice = Notice.objects.get()
    assert client.get(f"/notifications/{notice.public_id}")["Location"] == "/catalog/a/b"
    assert "none unread" in client.get("/notifications").content.decode()


def test_who_wants_no_mail_gets_none(owner, as_user, mails):
    owner.wants_mail = False
    owner.save()
    tell(owner)
    assert mail_due_notices() == 0
    assert mails() == []


def test_a_further_address_gets_mail_alone_and_a_person_not_twice(owner, mails):
    assert tell(owner, addresses=["ops@example.com", "OPS@example.com", owner.email, ""]) == 2
    assert mail_due_notices() == 2
    assert sum("To: ops@example.com" in mail for mail in mails()) == 1


def test_a_mail_that_fails_is_tried_again_and_given_up_in_the_end(owner, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    tell(owner)
    for _ in range(5):
        assert mail_due_notices() == 0
        Notice.objects.update(mail_next_at=now() - timedelta(seconds=1))
    notice = Notice.objects.get()
    assert (notice.mail_state, notice.mail_attempts) == ("failed", 5)
    assert "refused" in notice.mail_error


def test_others_do_not_see_it(owner, member, stranger, as_user, api_as):
    tell(owner)
    notice = Notice.objects.get()
    for person in (member, stranger):
        assert as_user(person).get(f"/notifications/{notice.public_id}").status_code == 404
        assert api_as(person).get("/api/v1/notices").json()["results"] == []
    mine = api_as(owner)
    assert mine.get("/api/v1/notices?unread=true").json()["results"][0]["title"] == "v1 was deprecated"
    assert mine.post(f"/api/v1/notices/{notice.public_id}/read").status_code == 204
    assert mine.get("/api/v1/notices?unread=true").json()["results"] == []


def test_all_are_marked_as_read(owner, as_user):
    tell(owner)
    tell(owner)
    as_user(owner).post("/notifications")
    assert not Notice.objects.filter(read_at=None).exists()
