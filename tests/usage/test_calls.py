import orjson
import pytest
import redis
from django.conf import settings

from gateway.dataplane.calls import new_call_id
from usage.selectors import call_by_id

from .conftest import finished, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def valkey():
    store = redis.Redis.from_url(settings.REDIS_URL)
    yield store
    store.close()


@pytest.fixture
def refuse(valkey):
    def put(**fields):
        call_id = str(new_call_id())
        verdict = {
            "id": call_id,
            "at": 1_760_000_000.0,
            "status": 401,
            "code": "key-missing",
            "fault": "caller",
            "rule": "",
            "verdict": "",
            "method": "GET",
            "path": "/orders",
            **fields,
        }
        valkey.set(f"gh:verdict:{call_id}", orjson.dumps(verdict), ex=60)
        return call_id

    return put


def test_both_sides_and_the_admin_see_a_call_and_nobody_else(ship, call_between, shop, member, stranger, admin):
    call = call_between()
    ship(finished(call))
    for person in (shop.buyer, member, admin):
        assert call_by_id(call.id, person).api_name == "Orders"
    assert call_by_id(call.id, stranger) is None


def test_a_persons_own_try_it_call_is_theirs_to_see(ship, call_between, stranger):
    call = call_between(user_id=stranger.public_id, is_try_it=True, cost_nano=10**9)
    ship(finished(call))
    assert call_by_id(call.id, stranger).cost_usd == 1


def test_money_of_a_call_is_shown_to_publishers_and_to_the_callers_team(
    ship, call_between, shop, member, publisher, owner
):
    call = call_between(cost_nano=2 * 10**9)
    ship(finished(call))
    assert [call_by_id(call.id, person).cost_usd for person in (shop.buyer, publisher, owner)] == [2, 2, 2]
    hidden = call_by_id(call.id, member)
    assert (hidden.cost_usd, hidden.is_cost_hidden) == (None, True)


def test_a_refusal_says_who_by_which_rule_and_what_to_do(ship, call_between, shop):
    call = call_between(
        attempt=0,
        status=429,
        code="quota-exceeded",
        fault="policy",
        rule="free@1, limit minute",
        verdict="Refused by free@1, limit minute: 60 requests per minute, 61st call.",
    )
    ship(finished(call))
    told = call_by_id(call.id, shop.buyer)
    assert told.sentence.startswith("Refused by free@1, limit minute")
    assert (told.who, told.rule) == ("a rule of the plan", "free@1, limit minute")
    assert "Retry-After" in told.advice
    assert [step.name for step in told.steps] == ["Received", "Refused"]


def test_a_refusal_before_anybody_was_known_is_told_to_whoever_has_the_id(refuse, stranger):
    told = call_by_id(refuse(), stranger)
    assert (told.is_full, told.status, told.code) == (False, 401, "key-missing")
    assert "needs a key" in told.sentence
    assert told.cost_usd is None


def test_once_the_ledger_knows_the_call_the_verdict_is_no_way_round_it(ship, call_between, refuse, stranger):
    call = call_between(id=refuse(code="quota-exceeded", status=429), attempt=0, status=429)
    assert call_by_id(call.id, stranger) is not None
    ship(finished(call))
    assert call_by_id(call.id, stranger) is None


def test_a_settled_ai_call_is_explained_before_the_ledger_has_it(valkey, call_between, shop, stranger):
    call = call_between(model="demo/smol", input_tokens=12, cost_nano=750, kind="model", total_ms=900.0)
    record = {name: value for name, value in finished(call).items() if name != "type"}
    valkey.set(f"gh:call:{call.id}", orjson.dumps({**record, "field_of_the_future": 1}), ex=60)
    told = call_by_id(call.id, shop.buyer)
    assert (told.source, told.model, told.input_tokens) == ("settled", "demo/smol", 12)
    assert f"{told.cost_usd:f}" == "0.00000075"
    assert call_by_id(call.id, stranger) is None


def test_an_open_and_an_interrupted_call_say_so(ship, rows, call_between, shop):
    call = call_between(reserved_nano=10**9)
    ship(started(call))
    assert "under way" in call_by_id(call.id, shop.buyer).sentence
    rows("SELECT usage_close_interrupted('n1', 'w1')")
    told = call_by_id(call.id, shop.buyer)
    assert (told.state, told.cost_usd, told.steps[-1].name) == ("interrupted", 1, "Interrupted")


@pytest.mark.parametrize(
    "call_id", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "019a0000-0000-7000-8000-000000000000"]
)
def test_an_id_nothing_is_known_of_is_no_call(call_id, admin):
    assert call_by_id(call_id, admin) is None
