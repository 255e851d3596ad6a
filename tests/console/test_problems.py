import pytest

from common.problem_types import PROBLEM_TYPES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", sorted(PROBLEM_TYPES))
def test_each_code_opens_a_page_that_says_how_to_mend_it(client, code):
    response = client.get(f"/problems/{code}")
    assert response.status_code == 200
    assert "How to mend it" in response.content.decode()


def test_an_unknown_code_is_404_and_names_the_list(client):
    response = client.get("/problems/nonsense")
    assert response.status_code == 404
    assert "/problems" in response.content.decode()
