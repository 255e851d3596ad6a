"""Prompts over REST, as owner, member and stranger."""

import pytest

from prompts.models import PromptVersion

pytestmark = pytest.mark.django_db
URL = "/api/v1"
CONTENT = {"text": "Shorten {{text}}", "model": "replay/chat"}


@pytest.fixture
def path(prompt) -> str:
    return f"{URL}/prompts/{prompt.public_id}"


def test_a_prompt_is_made_by_developers_and_seen_by_the_team(team, provider, developer, member, stranger, api_as):
    body = {**CONTENT, "team": team.slug, "name": "Shorten"}
    assert api_as(member).post(f"{URL}/prompts", body).status_code == 403
    assert api_as(stranger).post(f"{URL}/prompts", body).status_code == 404
    assert api_as().post(f"{URL}/prompts", body).status_code == 401
    made = api_as(developer).post(f"{URL}/prompts", body)
    assert made.status_code == 201
    path = f"{URL}/prompts/{made.json()['id']}"
    assert api_as(member).get(path).json()["slug"] == "shorten"
    assert api_as(stranger).get(path).status_code == 404
    assert api_as(stranger).get(f"{URL}/prompts").json()["results"] == []


def test_a_working_version_is_saved_over_only_with_its_tag(path, version, developer, member, stranger, api_as):
    client = api_as(developer)
    assert client.post(f"{path}/versions", CONTENT).json()["code"] == "if-match-missing"
    tag = client.get(f"{path}/versions/1")["ETag"]
    saved = client.post(f"{path}/versions", CONTENT, headers={"if-match": tag})
    assert (saved.status_code, saved.json()["number"], saved.json()["text"]) == (200, 1, "Shorten {{text}}")
    assert client.post(f"{path}/versions", CONTENT, headers={"if-match": tag}).status_code == 412
    assert api_as(member).post(f"{path}/versions", CONTENT, headers={"if-match": "*"}).status_code == 403
    assert api_as(stranger).post(f"{path}/versions", CONTENT, headers={"if-match": "*"}).status_code == 404


def test_after_a_publication_a_save_makes_the_next_version(path, version, publisher, developer, api_as):
    published = api_as(publisher).post(f"{path}/publish", {"path": "/translate"})
    assert (published.status_code, published.json()["state"]) == (201, "published")
    saved = api_as(developer).post(f"{path}/versions", CONTENT)
    assert (saved.status_code, saved.json()["number"]) == (201, 2)
    numbers = [
        (row["number"], row["is_published"]) for row in api_as(developer).get(f"{path}/versions").json()["results"]
    ]
    assert numbers == [(2, False), (1, True)]


def test_who_publishes(path, version, publisher, developer, member, stranger, api_as):
    for who, status in ((developer, 403), (member, 403), (stranger, 404)):
        assert api_as(who).post(f"{path}/publish").status_code == status
    assert api_as(publisher).post(f"{path}/publish", headers={"if-match": '"0"'}).status_code == 412
    assert api_as(publisher).post(f"{path}/publish", {"path": "none"}).status_code == 422
    assert PromptVersion.objects.get().revision is None
    assert api_as(publisher).post(f"{path}/publish").status_code == 201
    assert api_as(publisher).post(f"{path}/publish").status_code == 409


def test_a_run_answers_output_tokens_and_cost(path, version, developer, member, stranger, api_as):
    body = {"arguments": {"text": "Hello", "language": "German"}}
    answer = api_as(developer).post(f"{path}/run", body)
    assert answer.json()["output"] == "Grüezi mitenand."
    assert (answer.json()["input_tokens"], answer.json()["cost_usd"]) == (12, None)
    wrong = api_as(developer).post(f"{path}/run", {"arguments": {}})
    assert (wrong.status_code, len(wrong.json()["errors"])) == (422, 2)
    assert api_as(member).post(f"{path}/run", body).status_code == 403
    assert api_as(stranger).post(f"{path}/run", body).status_code == 404


def test_prompts_are_found_by_team_and_words(team, make_prompt, developer, api_as):
    make_prompt(name="Translate")
    make_prompt(name="Shorten")

    def names(query):
        return [row["name"] for row in api_as(developer).get(f"{URL}/prompts?{query}").json()["results"]]

    assert names("q=short") == ["Shorten"]
    assert names(f"team={team.public_id}") == ["Shorten", "Translate"]
    assert names("team=team_none") == []


def test_a_list_asks_as_often_for_many_as_for_one(make_prompt, owner, api_as, django_assert_num_queries):
    for number in range(12):
        make_prompt(name=f"Prompt {number}")
    with django_assert_num_queries(1):
        assert len(api_as(owner).get(f"{URL}/prompts").json()["results"]) == 12
