"""Providers, models, prices and aliases over REST: read by everybody signed in, written by platform admins."""

import pytest

pytestmark = pytest.mark.django_db
URL = "/api/v1"
PRICE = {"input_usd_per_million": "0.10", "output_usd_per_million": "0.40"}


@pytest.mark.parametrize(
    "path", ["providers", "providers/local", "models", "providers/local/models/m", "prices", "aliases"]
)
def test_everybody_signed_in_reads(path, provider, stranger, api_as):
    assert api_as(stranger).get(f"{URL}/{path}").status_code == 200
    assert api_as().get(f"{URL}/{path}").status_code == 401


def test_nobody_but_an_admin_writes_or_sees_keys(provider, model, owner, stranger, api_as):
    for who in (owner, stranger):
        client = api_as(who)
        answers = [
            client.post(f"{URL}/providers", {"name": "P", "base_url": "http://a.b/v1"}),
            client.patch(f"{URL}/providers/local", {"name": "P"}, headers={"if-match": "*"}),
            client.post(f"{URL}/providers/local/test"),
            client.get(f"{URL}/providers/local/keys"),
            client.post(f"{URL}/providers/local/keys", {"name": "x", "secret": "sk-2"}),
            client.post(f"{URL}/providers/local/models", {"name": "n"}),
            client.patch(f"{URL}/providers/local/models/m", {"is_active": False}, headers={"if-match": "*"}),
            client.post(f"{URL}/providers/local/models/m/prices", PRICE),
            client.post(f"{URL}/aliases", {"name": "fast", "model": "local/m"}),
        ]
        assert {answer.status_code for answer in answers} == {403}


def test_a_secret_goes_in_and_never_comes_out(provider, admin, api_as):
    client = api_as(admin)
    made = client.post(f"{URL}/providers/local/keys", {"name": "second", "secret": "sk-second-secret"})
    assert made.status_code == 201
    shown = made.content + client.get(f"{URL}/providers/local/keys").content + client.get(f"{URL}/audit").content
    assert b"sk-second" not in shown
    assert made.json()["last_four"] == "cret"


def test_a_provider_is_changed_and_its_key_revoked_with_their_tags(provider, admin, api_as):
    client = api_as(admin)
    tag = client.get(f"{URL}/providers/{provider.public_id}")["ETag"]
    changed = client.patch(f"{URL}/providers/local", {"name": "Near"}, headers={"if-match": tag})
    assert changed.json()["name"] == "Near"
    assert client.patch(f"{URL}/providers/local", {"name": "Far"}, headers={"if-match": tag}).status_code == 412
    key = f"{URL}/providers/local/keys/{provider.keys.get().public_id}"
    assert client.delete(key).status_code == 428
    assert client.delete(key, headers={"if-match": client.get(key)["ETag"]}).status_code == 204
    assert not client.get(key).json()["is_active"]


def test_models_are_narrowed_by_provider_words_and_use(provider, admin, api_as):
    client = api_as(admin)
    client.post(f"{URL}/providers/local/models", {"name": "org/other", "max_output_tokens": 5})
    path = f"{URL}/providers/{provider.public_id}/models/org/other"
    tag = client.get(path)["ETag"]
    assert client.patch(path, {"is_active": False}).status_code == 428
    assert client.patch(path, {"is_active": False}, headers={"if-match": tag}).json()["max_output_tokens"] == 5

    def ids(query):
        return [row["id"] for row in client.get(f"{URL}/models?{query}").json()["results"]]

    assert ids("") == ["local/org/other", "local/m"]
    assert ids("q=other") == ["local/org/other"]
    assert ids("is_active=true") == ["local/m"]
    assert ids("provider=none") == []
    assert client.get(f"{URL}/providers/none/models").status_code == 404


def test_a_price_shows_on_the_model_and_stays_in_the_book(provider, model, admin, stranger, api_as):
    path = f"{URL}/providers/local/models/m/prices"
    for price in (PRICE, {**PRICE, "input_usd_per_million": "0.20"}):
        assert api_as(admin).post(path, price).status_code == 201
    shown = api_as(stranger).get(f"{URL}/models").json()["results"][0]["price"]
    assert (shown["input_usd_per_million"], shown["source"]) == ("0.200000", "set here")
    book = [row["input_usd_per_million"] for row in api_as(stranger).get(path).json()["results"]]
    assert book == ["0.200000", "0.100000"]
    assert api_as(admin).post(path, {**PRICE, "input_usd_per_million": "-1"}).status_code == 422
    assert api_as(admin).post(f"{URL}/providers/local/models/none/prices", PRICE).status_code == 404


def test_an_alias_that_is_there_moves_only_with_its_tag(provider, model, admin, api_as):
    client = api_as(admin)
    client.post(f"{URL}/providers/local/models", {"name": "n"})
    made = client.post(f"{URL}/aliases", {"name": "fast", "model": "local/m"})
    assert made.status_code == 201
    assert client.post(f"{URL}/aliases", {"name": "fast", "model": "local/n"}).status_code == 428
    moved = client.post(f"{URL}/aliases", {"name": "fast", "model": "local/n"}, headers={"if-match": made["ETag"]})
    assert moved.json()["model"] == "local/n"
    assert client.delete(f"{URL}/aliases/fast", headers={"if-match": made["ETag"]}).status_code == 412
    assert client.delete(f"{URL}/aliases/fast", headers={"if-match": moved["ETag"]}).status_code == 204
    assert client.post(f"{URL}/aliases", {"name": "fast", "model": "local/none"}).status_code == 404


def test_a_list_of_models_asks_as_often_for_many_as_for_one(provider, admin, api_as, django_assert_num_queries):
    client = api_as(admin)
    for number in range(8):
        client.post(f"{URL}/providers/local/models", {"name": f"m{number}"})
        client.post(f"{URL}/providers/local/models/m{number}/prices", PRICE)
    with django_assert_num_queries(3):
        assert len(client.get(f"{URL}/models").json()["results"]) == 9
