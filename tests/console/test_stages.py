"""The pages of a version that other environments have before production."""

import pytest

from apis.models import ApiVersion, Environment
from apis.services.environments import promote_revision
from apis.services.reviews import submit_for_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def staging(db):
    return Environment.objects.create(slug="staging", name="Staging")


def base_of(version) -> str:
    return f"/workspace/{version.api.team.slug}/{version.api.slug}/{version.name}"


def test_a_draft_s_page_says_what_is_missing_first(draft, staging, owner, as_user):
    page = as_user(owner).get(f"{base_of(draft)}/environments/staging").content.decode()
    assert "send the draft for review first" in page
    assert "Deploy to Staging</button>" not in page


def test_from_staging_to_production_by_the_page_of_that_revision(
    draft, staging, owner, member, stranger, as_user, django_assert_max_num_queries
):
    submit_for_review(version=draft, actor=owner)
    base, client = base_of(draft), as_user(owner)
    assert client.post(f"{base}/environments/staging", {"revision": "1"}).status_code == 302
    with django_assert_max_num_queries(20):
        page = client.get(f"{base}/environments").content.decode()
    assert f'href="{base}/publish?revision=1"' in page
    assert f"only keys of {draft.api.team.name} reach it there" in page
    assert "Promote to production" not in as_user(member).get(f"{base}/environments").content.decode()
    assert as_user(stranger).get(f"{base}/environments").status_code == 404

    shown = client.get(f"{base}/publish?revision=1").content.decode()
    assert "by revision 1" in shown
    assert client.get(f"{base}/publish?revision=9").status_code == 404
    done = client.post(f"{base}/publish?revision=1", {"form_token": "s" * 24})
    assert (done.status_code, ApiVersion.objects.get(pk=draft.pk).state) == (303, "published")
    page = client.get(f"{base}/environments").content.decode()
    assert "Promote to production" not in page
    assert "only keys of" not in page


def test_a_page_that_means_another_revision_publishes_nothing(draft, staging, owner, as_user):
    from apis.services.reviews import withdraw_from_review

    submit_for_review(version=draft, actor=owner)
    promote_revision(revision=draft.revisions.get(), environment=staging, actor=owner)
    withdraw_from_review(version=draft, actor=owner)
    answer = as_user(owner).post(f"{base_of(draft)}/publish?revision=1", {"form_token": "t" * 24})
    assert "it is revision 2 now" in answer.content.decode()
    assert ApiVersion.objects.get(pk=draft.pk).state == "draft"
