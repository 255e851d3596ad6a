import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["costreport", "progress", "quarantine"])
def test_staff_read_what_usage_wrote_and_change_nothing(as_user, admin, ship, roll_up, name):
    ship("[1]")
    roll_up()
    client = as_user(admin)
    assert client.get(f"/staff/usage/{name}/").status_code == 200
    assert client.get(f"/staff/usage/{name}/add/").status_code == 403


def test_staff_find_the_reason_of_a_quarantined_record(as_user, admin, ship):
    ship("[1]")
    assert b"not an object" in as_user(admin).get("/staff/usage/quarantine/").content
