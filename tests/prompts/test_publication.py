import pytest

from apis import ports
from apis.models import Api, ApiVersion
from apis.services.publishing import publish_version
from apis.services.reviews import review_revision, withdraw_from_review
from common.errors import Conflict, Invalid, NotAllowed
from gateway.control.models import Change
from prompts.models import PromptVersion
from prompts.selectors import latest_version, published_as
from prompts.services.prompts import save_prompt_version
from prompts.services.publication import publish_prompt
from teams.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict(team):
    """The team asks for one approval."""
    team.required_approvals = 1
    team.save()
    return team


def sent(kind: str, key: str):
    return Change.objects.filter(kind=kind, key=key).latest("id").payload


def test_a_prompt_becomes_an_api_with_its_own_document_and_program(version, publisher):
    made = publish_prompt(version=version, actor=publisher, path="/translate", base_path="/tongues", tags=("ai",))
    assert (made.state, made.api.kind, made.api.base_path) == ("published", Api.Kind.PROMPT, "/tongues")
    revision = made.revisions.get()
    assert list(revision.document["paths"]) == ["/translate"]
    version.refresh_from_db()
    assert version.revision == revision
    assert ports.prompt_of(revision) == version.public_id
    assert sent("route", made.public_id)["prompt"] == version.public_id
    assert sent("prompt", version.public_id)["template"] == version.text


def test_a_published_version_is_not_published_again_and_a_changed_one_is_the_next(prompt, version, publisher):
    first = publish_prompt(version=version, actor=publisher)
    with pytest.raises(Conflict):
        publish_prompt(version=version, actor=publisher)
    save_prompt_version(template=prompt, actor=publisher, text="Only {{text}}")
    second = publish_prompt(version=latest_version(prompt), actor=publisher)
    assert (second.api, second.name, published_as(prompt)) == (first.api, "v2", second)
    assert AuditEvent.objects.filter(verb="prompt.publish").first().before == {"published_as": "v1"}


@pytest.mark.parametrize("path", ["run", "/a//b", "/{id}", ""])
def test_a_path_that_is_none_is_refused(version, publisher, path):
    with pytest.raises(Invalid) as refusal:
        publish_prompt(version=version, actor=publisher, path=path)
    assert refusal.value.errors[0]["pointer"] == "/path"


def test_a_publication_that_fails_leaves_nothing(version, publisher):
    taken = publish_prompt(version=version, actor=publisher).api.base_path
    other = PromptVersion.objects.get(pk=version.pk).template
    other.pk, other.public_id, other.slug = None, "prompt_other", "other"
    other.save()
    fresh = PromptVersion.objects.get(pk=version.pk)
    fresh.pk, fresh.public_id, fresh.template, fresh.revision = None, "pv_other", other, None
    fresh.save()
    with pytest.raises(Conflict):
        publish_prompt(version=fresh, actor=publisher, base_path=taken)
    fresh.refresh_from_db()
    assert fresh.revision is None
    assert Api.objects.filter(kind=Api.Kind.PROMPT).count() == 1


def test_a_developer_does_not_publish(version, developer):
    with pytest.raises(NotAllowed):
        publish_prompt(version=version, actor=developer)


def test_where_approvals_are_needed_it_waits_for_them(strict, version, publisher, owner):
    made = publish_prompt(version=version, actor=publisher)
    assert made.state == "in_review"
    assert not Change.objects.filter(kind="route", key=made.public_id, payload__isnull=False).exists()
    review_revision(revision=made.revisions.get(), verdict="approved", actor=owner)
    done = publish_version(version=ApiVersion.objects.get(pk=made.pk), actor=publisher)
    assert done.state == "published"
    assert sent("route", made.public_id)["prompt"] == version.public_id


def test_what_was_rejected_is_mended_in_the_same_version(strict, prompt, version, publisher, owner):
    made = publish_prompt(version=version, actor=publisher)
    review_revision(revision=made.revisions.get(), verdict="rejected", comment="Too long", actor=owner)
    save_prompt_version(template=prompt, actor=publisher, text="Short: {{text}}")
    again = publish_prompt(version=latest_version(prompt), actor=publisher)
    assert (again.pk, again.state) == (made.pk, "in_review")
    review_revision(revision=again.revisions.get(state="in_review"), verdict="approved", actor=owner)
    publish_version(version=ApiVersion.objects.get(pk=made.pk), actor=publisher)
    program = sent("route", made.public_id)["prompt"]
    assert sent("prompt", program)["template"] == "Short: {{text}}"


def test_a_copy_made_when_it_was_taken_back_carries_the_prompt(strict, version, publisher, owner):
    made = publish_prompt(version=version, actor=publisher)
    withdraw_from_review(version=ApiVersion.objects.get(pk=made.pk), actor=publisher)
    copy = ApiVersion.objects.get(pk=made.pk).revisions.get(state="draft")
    assert ports.prompt_of(copy) == version.public_id


def test_what_waits_for_approval_is_not_published_over(strict, prompt, version, publisher):
    publish_prompt(version=version, actor=publisher)
    save_prompt_version(template=prompt, actor=publisher, text="Only {{text}}")
    with pytest.raises(Conflict, match="workspace"):
        publish_prompt(version=latest_version(prompt), actor=publisher)


def test_the_prompt_follows_its_api_to_another_team(version, publisher, owner, make_user, provider):
    from apis.services.transfers import accept_transfer, propose_transfer
    from prompts.services.prompts import create_prompt
    from teams.models import Team

    made = publish_prompt(version=version, actor=publisher)
    web = Team.objects.create(slug="web", name="Web")
    taker = make_user("taker", web, "owner")
    create_prompt(team=web, name="Translate", text="Hm", model="replay/chat", actor=taker)
    assert ports.prompts_behind(made.api) == ["Translate"]
    accept_transfer(transfer=propose_transfer(subject=made.api, to_team=web, actor=owner), actor=taker)
    version.template.refresh_from_db()
    assert (version.template.team, version.template.slug) == (web, "translate-2")
    assert sent("route", made.public_id)["prompt"] == version.public_id
    assert AuditEvent.objects.filter(verb="prompt.transfer").count() == 2
