import pytest

pytestmark = pytest.mark.django_db


def test_staff_see_every_component(as_user, admin):
    response = as_user(admin).get("/admin/gallery")
    assert response.status_code == 200
    assert b"Deprecated" in response.content
    assert b"style=" not in response.content


def test_others_do_not(as_user, stranger):
    assert as_user(stranger).get("/admin/gallery").status_code == 403


def test_signed_out_people_are_sent_to_sign_in(as_user):
    response = as_user().get("/admin/gallery")
    assert response.status_code == 302
    assert response["Location"] == "/login?next=/admin/gallery"
