"""What the endpoints' tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

PEOPLE = ("owner", "publisher", "developer", "member", "stranger", None)


@pytest.fixture
def answers(request, api_as) -> Callable:
    """Return the statuses of one call made by each of PEOPLE; None is nobody signed in."""

    def ask(method: str, path: str, body=None, **headers) -> dict[str, int]:
        found = {}
        for name in PEOPLE:
            client = api_as(request.getfixturevalue(name) if name else None)
            response = getattr(client, method)(path, body, format="json", headers=headers)
            found[name or "nobody"] = response.status_code
        return found

    return ask


@pytest.fixture
def seen() -> Callable:
    """Return the ETag of a row as a client reads it."""

    def read(client, path: str) -> dict[str, str]:
        return {"If-Match": client.get(path)["ETag"]}

    return read


def by_role(owner: int, publisher: int, developer: int, member: int, stranger: int = 404) -> dict[str, int]:
    """Name the expected status of each of PEOPLE; nobody signed in gets 401."""
    return {
        "owner": owner,
        "publisher": publisher,
        "developer": developer,
        "member": member,
        "stranger": stranger,
        "nobody": 401,
    }


@pytest.fixture(name="by_role")
def by_role_fixture() -> Callable:
    return by_role
