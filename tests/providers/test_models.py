from datetime import timedelta
from decimal import Decimal

import pytest

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, Stale
from gateway.control.models import Change
from providers.models import ModelAlias, ModelPrice
from providers.pricebook import price_of
from providers.selectors import callable_names, model_named, models, priced
from providers.services.models import create_model, remove_alias, set_alias, set_price, update_model
from providers.services.providers import create_provider

pytestmark = pytest.mark.django_db


def cheap(model, admin, **more):
    return set_price(
        model=model, input_usd_per_million=Decimal("0.075"), output_usd_per_million=Decimal("0.3"), actor=admin, **more
    )


def test_a_model_is_found_by_wire_name_and_alias(model, admin):
    set_alias(name="fast", model=model, actor=admin)
    assert model_named("local/m") == model_named("fast") == model
    assert model_named("local/none") is None
    assert callable_names() == ["fast", "local/m"]


def test_an_alias_is_pointed_elsewhere_and_taken_away(model, provider, admin, told):
    set_alias(name="fast", model=model, actor=admin)
    other = create_model(provider=provider, name="n", actor=admin)
    alias = set_alias(name="fast", model=other, actor=admin)
    assert ModelAlias.objects.count() == 1
    assert model_named("fast") == other
    remove_alias(alias=alias, actor=admin)
    assert model_named("fast") is None
    assert told[-1] == "alias_changed"


@pytest.mark.parametrize("name", ["with/slash", "With Space", ""])
def test_an_alias_is_a_plain_name(model, admin, api_as, name):
    answer = api_as(admin).post("/api/v1/aliases", {"name": name, "model": "local/m"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/name"


def test_only_a_platform_admin_writes_models(model, owner):
    for write in (
        lambda: create_model(provider=model.provider, name="x", actor=owner),
        lambda: update_model(model=model, actor=owner, is_active=False),
        lambda: cheap(model, owner),
        lambda: set_alias(name="fast", model=model, actor=owner),
    ):
        with pytest.raises(NotAllowed):
            write()


def test_a_second_model_of_the_name_is_refused(model, admin):
    with pytest.raises(Conflict):
        create_model(provider=model.provider, name="m", actor=admin)


def test_a_model_changed_meanwhile_is_not_written_over(model, admin):
    seen = model.row_version
    update_model(model=model, actor=admin, row_version=seen, max_output_tokens=100)
    with pytest.raises(Stale):
        update_model(model=model, actor=admin, row_version=seen, max_output_tokens=200)


def test_a_model_has_no_price_until_somebody_knows_one(model, admin):
    assert price_of(model) is None
    cheap(model, admin)
    price = price_of(model)
    assert (price.input_usd_per_million, price.source) == (Decimal("0.075"), "set here")


def test_the_newest_price_in_force_counts_and_reaches_the_gateway_as_an_integer(model, admin):
    cheap(model, admin, effective_at=now() - timedelta(days=2))
    set_price(model=model, input_usd_per_million=Decimal(2), output_usd_per_million=Decimal(4), actor=admin)
    cheap(model, admin, effective_at=now() - timedelta(days=1))
    assert price_of(model).input_usd_per_million == 2
    sent = Change.objects.filter(kind="price", key="local/m").latest("id").payload
    assert sent["input_nano_per_million"] == 2_000_000_000


def test_a_price_of_tomorrow_is_refused(model, admin):
    with pytest.raises(Invalid):
        cheap(model, admin, effective_at=now() + timedelta(days=1))
    assert not ModelPrice.objects.exists()


def test_a_price_set_here_wins_over_the_library(admin):
    made = create_provider(
        name="OpenAI", base_url="https://api.openai.com/v1", models=["gpt-4o-mini", "no-such-model"],
        price_provider="openai", actor=admin,
    )  # fmt: skip
    known, unknown = made.models.get(name="gpt-4o-mini"), made.models.get(name="no-such-model")
    library = price_of(known)
    assert library.source == "price library"
    assert 0 < library.cached_input_usd_per_million < library.input_usd_per_million < library.output_usd_per_million
    assert price_of(unknown) is None
    cheap(known, admin)
    assert price_of(known).source == "set here"


def test_a_list_with_prices_asks_as_often_for_many_models_as_for_one(provider, admin, django_assert_num_queries):
    for number in range(10):
        cheap(create_model(provider=provider, name=f"m{number}", actor=admin), admin)
    with django_assert_num_queries(3):
        rows = priced(list(models()))
    assert sum(row.price is not None for row in rows) == 10
