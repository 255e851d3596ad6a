import pytest

from apis.models import ApiVersion, Deployment, Revision, Transition
from apis.services.publishing import publish_version
from apis.services.reviews import submit_for_review
from apis.services.versions import create_version
from common.errors import Conflict, NotAllowed, NotFound
from teams.models import AuditEvent
from tests.apis.races import DONE, at_once


@pytest.mark.django_db
def test_one_button_walks_all_moves_each_with_transition_and_audit(draft, publisher, signals):
    version = publish_version(version=draft, actor=publisher)
    assert (version.state, version.published_at is not None) == ("published", True)
    assert [row.move for row in version.transitions.all()] == ["submit", "approve", "publish"]
    verbs = list(AuditEvent.objects.filter(verb__startswith="version.").order_by("id").values_list("verb", flat=True))
    assert verbs[-3:] == ["version.submit", "version.approve", "version.publish"]
    deployment = Deployment.objects.get(version=version)
    assert (deployment.environment.slug, deployment.revision.state) == ("production", "current")
    assert version.api.is_base_path_fixed
    assert signals[-1] == ("version_changed", version)


@pytest.mark.django_db
def test_where_approvals_are_asked_nobody_publishes_alone(draft, team, publisher):
    team.required_approvals = 1
    team.save()
    version = ApiVersion.objects.select_related("api__team").get(pk=draft.pk)
    with pytest.raises(Conflict, match="one other person of Payments must approve"):
        publish_version(version=version, actor=publisher)
    submit_for_review(version=version, actor=publisher)
    with pytest.raises(Conflict, match="must approve"):
        publish_version(version=version, actor=publisher)
    assert not Deployment.objects.filter(version=version).exists()


@pytest.mark.django_db
def test_a_second_publication_says_release_a_revision(published, publisher):
    with pytest.raises(Conflict, match="release the revision"):
        publish_version(version=published, actor=publisher)


@pytest.mark.django_db
def test_missing_things_are_listed_and_nothing_is_half_done(make_api, publisher):
    version = make_api(source="", upstream="").versions.get()
    with pytest.raises(Conflict) as caught:
        publish_version(version=version, actor=publisher)
    assert caught.value.code == "guard-failed"
    assert len(caught.value.context["reasons"]) == 2
    assert not Transition.objects.filter(version=version).exists()


@pytest.mark.django_db
def test_a_failing_receiver_rolls_the_publication_back(draft, publisher):
    from apis.signals import version_changed

    def refuse(**_):
        raise RuntimeError("no changelog")

    version_changed.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            publish_version(version=draft, actor=publisher)
    finally:
        version_changed.disconnect(refuse)
    assert ApiVersion.objects.get(pk=draft.pk).state == "draft"
    assert Revision.objects.get(version=draft).state == "draft"


@pytest.mark.django_db
def test_a_revision_that_changed_meanwhile_is_not_published_in_its_place(published, publisher):
    second = create_version(api=published.api, copy_from=published, actor=publisher)
    with pytest.raises(Conflict, match="not the one to publish"):
        publish_version(version=second, revision=published.revisions.get(), actor=publisher)
    assert ApiVersion.objects.get(pk=second.pk).state == "draft"


@pytest.mark.django_db
def test_a_second_version_is_published_beside_the_first(published, publisher):
    second = create_version(api=published.api, copy_from=published, actor=publisher)
    assert (second.name, second.revisions.get().content_hash) == ("v2", published.revisions.get().content_hash)
    publish_version(version=second, actor=publisher)
    assert ApiVersion.objects.get(pk=published.pk).state == "published"
    assert Deployment.objects.filter(version__api=published.api).count() == 2


@pytest.mark.django_db
def test_roles_decide_who_publishes(draft, developer, member, stranger, admin):
    for actor, error in ((developer, NotAllowed), (member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            publish_version(version=draft, actor=actor)
    assert publish_version(version=draft, actor=admin).state == "published"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_publishing_at_once_one_publishes_and_one_is_told(make_api, publisher, owner):
    version = make_api().versions.get()

    def publish(actor):
        mine = ApiVersion.objects.select_related("api__team").get(pk=version.pk)
        return lambda: publish_version(version=mine, actor=actor)

    outcomes = at_once(publish(publisher), publish(owner))
    assert sorted(outcomes) == [DONE, "move-lost"]
    assert Transition.objects.filter(version=version).count() == 3
    assert Deployment.objects.filter(version=version).count() == 1
