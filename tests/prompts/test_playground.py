from decimal import Decimal

import pytest

from common.errors import Invalid, NotAllowed, NotFound, Unavailable
from prompts.services.playground import run_prompt
from providers.services.models import set_price, update_model

pytestmark = pytest.mark.django_db
ARGUMENTS = {"text": "{{language}}", "language": "German"}
SCHEMA = {
    "type": "object",
    "properties": {"sentiment": {"type": "string"}, "score": {"type": "integer"}},
    "required": ["sentiment", "score"],
}


def test_the_model_is_asked_as_the_gateway_asks(version, developer, replay, provider):
    run = run_prompt(version=version, arguments=ARGUMENTS, actor=developer)
    asked = replay.asked[-1]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-replay-1"
    # What an argument holds is never read as a template again.
    assert asked.body["messages"] == [{"role": "user", "content": "Say {{language}} in German"}]
    assert (run.output, run.input_tokens, run.output_tokens, run.cost_usd) == ("Grüezi mitenand.", 12, 5, None)
    assert run.model == "replay/chat"


def test_the_cost_counts_cached_input_at_its_own_price(version, developer, admin, provider):
    set_price(
        model=provider.models.get(name="chat"), input_usd_per_million=Decimal(1), output_usd_per_million=Decimal(2),
        cached_input_usd_per_million=Decimal("0.5"), actor=admin,
    )  # fmt: skip
    run = run_prompt(version=version, arguments=ARGUMENTS, actor=developer)
    assert run.cost_usd == Decimal("0.000020")  # 8 at 1, 4 at 0.5, 5 at 2 USD per million


def test_a_provider_that_does_not_count_is_estimated(make_prompt, developer):
    version = make_prompt(model="replay/without-usage").versions.get()
    run = run_prompt(version=version, arguments=ARGUMENTS, actor=developer)
    assert run.input_tokens > 0
    assert run.output_tokens > 0


@pytest.mark.parametrize(
    ("arguments", "pointers"),
    [({}, {"#/text", "#/language"}), ({"text": 7, "language": "x", "more": 1}, {"#/text", "#/more"})],
)
def test_wrong_arguments_are_each_named_and_nobody_is_asked(version, developer, replay, arguments, pointers):
    before = len(replay.asked)
    with pytest.raises(Invalid) as refusal:
        run_prompt(version=version, arguments=arguments, actor=developer)
    assert {item["pointer"] for item in refusal.value.errors} == pointers
    assert len(replay.asked) == before


def test_json_output_is_asked_for_and_checked(make_prompt, developer, replay):
    good = make_prompt(name="A", model="replay/json-output", output="json", schema=SCHEMA).versions.get()
    run = run_prompt(version=good, arguments=ARGUMENTS, actor=developer)
    assert run.output == {"sentiment": "good", "score": 4}
    assert replay.asked[-1].body["response_format"]["json_schema"]["schema"] == SCHEMA
    bad = make_prompt(name="B", model="replay/json-output-invalid", output="json", schema=SCHEMA).versions.get()
    with pytest.raises(Unavailable) as refusal:
        run_prompt(version=bad, arguments=ARGUMENTS, actor=developer)
    assert refusal.value.code == "model-output-invalid"


@pytest.mark.parametrize("model", ["replay/unauthorized", "replay/not-json"])
def test_a_provider_that_refuses_or_answers_garbage_is_told_as_a_sentence(make_prompt, developer, model):
    version = make_prompt(model=model).versions.get()
    with pytest.raises(Unavailable) as refusal:
        run_prompt(version=version, arguments=ARGUMENTS, actor=developer)
    assert refusal.value.detail
    assert "sk-replay-1" not in refusal.value.detail


def test_a_model_that_is_switched_off_is_not_asked(version, developer, admin, provider, replay):
    update_model(model=provider.models.get(name="chat"), actor=admin, is_active=False)
    before = len(replay.asked)
    with pytest.raises(Invalid):
        run_prompt(version=version, arguments=ARGUMENTS, actor=developer)
    assert len(replay.asked) == before


def test_who_may_run(version, member, stranger):
    with pytest.raises(NotAllowed):
        run_prompt(version=version, arguments=ARGUMENTS, actor=member)
    with pytest.raises(NotFound):
        run_prompt(version=version, arguments=ARGUMENTS, actor=stranger)
