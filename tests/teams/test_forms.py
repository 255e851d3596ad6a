"""A double click: the second submit gets the first one's result."""

import threading

import pytest
from django.db import connection

from common.errors import Conflict, Invalid
from teams.models import Team
from teams.services.forms import once

TOKEN = "0123456789abcdef"


@pytest.mark.django_db
def test_the_work_is_done_once_and_its_address_given_twice(owner):
    done = []

    def work() -> str:
        done.append(1)
        return "/teams/one"

    assert once(user=owner, token=TOKEN, work=work) == ("/teams/one", False)
    assert once(user=owner, token=TOKEN, work=work) == ("/teams/one", True)
    assert done == [1]


@pytest.mark.django_db
def test_a_token_is_one_persons(owner, developer):
    once(user=owner, token=TOKEN, work=lambda: "/a")
    assert once(user=developer, token=TOKEN, work=lambda: "/b") == ("/b", False)


@pytest.mark.django_db
def test_what_failed_can_be_sent_again(owner):
    def fail() -> str:
        Team.objects.create(slug="half", name="Half")
        raise Conflict("Not now.")

    with pytest.raises(Conflict):
        once(user=owner, token=TOKEN, work=fail)
    assert not Team.objects.filter(slug="half").exists()
    assert once(user=owner, token=TOKEN, work=lambda: "/a") == ("/a", False)


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused(owner):
    with pytest.raises(Invalid):
        once(user=owner, token="", work=lambda: "/a")


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_do_it_once(owner):
    inside, go, results = threading.Event(), threading.Event(), []

    def slow() -> str:
        inside.set()
        assert go.wait(10)
        return "/made"

    def click(work) -> None:
        try:
            results.append(once(user=owner, token=TOKEN, work=work))
        finally:
            connection.close()

    first = threading.Thread(target=click, args=(slow,))
    first.start()
    assert inside.wait(10)
    second = threading.Thread(target=click, args=(lambda: "/made-again",))
    second.start()
    go.set()
    first.join(10)
    second.join(10)
    assert sorted(results) == [("/made", False), ("/made", True)]
