"""Registering where Yoco posts its events to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.errors import InvalidInputError
from domain.payment import Outcome
from gateways.base import GatewayAccount, GatewayError, GatewayOutcomeUnknownError, GatewayUnreachableError
from gateways.transport import Transport
from gateways.yoco_webhooks import Registration, delete_webhook, list_webhooks, register_webhook
from tests.gateways.serving import Merchant
from tests.gateways.yoco_bench import YocoBench, yoco_served
from tests.gateways.yoco_script import SECRET_KEY, Script, scripted

URL = "https://billing.example.com/webhooks/yoco"


@pytest.fixture
def account() -> Iterator[GatewayAccount]:
    with yoco_served() as account:
        yield account


@pytest.fixture(scope="module")
def played() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def script(played: Script) -> Script:
    played.answers.clear()
    return played


def test_a_registration_tells_its_secret_once_and_hides_it_from_logs(transport: Transport, account: GatewayAccount) -> None:
    registered = register_webhook(transport, account, URL, "Dunlin")
    assert registered.mode == "test"
    assert registered.secret.startswith("whsec_")
    assert registered.secret not in repr(registered)
    assert list_webhooks(transport, account) == [Registration(registered.id, "Dunlin", URL, "test")]


def test_a_deleted_registration_is_gone(transport: Transport, account: GatewayAccount) -> None:
    first, second = (register_webhook(transport, account, URL, name) for name in ("first", "second"))
    delete_webhook(transport, account, first.id)
    assert [listed.id for listed in list_webhooks(transport, account)] == [second.id]


def test_after_registering_again_events_are_believed_by_both_secrets(
    transport: Transport, impatient_transport: Transport, account: GatewayAccount, merchant: Merchant
) -> None:
    bench = YocoBench(account, merchant, transport, impatient_transport)
    again = register_webhook(transport, account, merchant.url, "again")
    secrets = f"{again.secret} {bench.account.credentials['webhook_secret']}"
    both = replace(bench.account, credentials={**bench.account.credentials, "webhook_secret": secrets})
    request = bench.request()
    bench.open(request)
    bench.pay(request.reference)
    updates = bench.updates(request.reference, 2)
    assert [bench.gateway.verify_update(both, update.inbound()).outcome for update in updates] == [Outcome.PAID] * 2
    assert len({bench.gateway.read_update(update.inbound()).event_key for update in updates}) == 1
    bench.close()


def test_a_sixth_registration_is_refused_with_yocos_words(transport: Transport, account: GatewayAccount) -> None:
    for number in range(5):
        register_webhook(transport, account, URL, f"number {number}")
    with pytest.raises(GatewayError, match="At most 5 webhooks"):
        register_webhook(transport, account, URL, "one too many")


def test_a_registration_that_is_not_there_cannot_be_deleted(transport: Transport, account: GatewayAccount) -> None:
    with pytest.raises(GatewayError, match="There is no such webhook"):
        delete_webhook(transport, account, "sub_1")


def test_what_is_no_web_address_is_not_registered(transport: Transport, account: GatewayAccount) -> None:
    with pytest.raises(InvalidInputError) as raised:
        register_webhook(transport, account, "billing.example.com", "Dunlin")
    assert raised.value.field == "url"


def test_a_wrong_key_is_named_and_not_shown(transport: Transport, account: GatewayAccount) -> None:
    wrong = replace(account, credentials={"secret_key": "sk_test_wrong"})
    with pytest.raises(InvalidInputError, match=account.id) as raised:
        list_webhooks(transport, wrong)
    assert raised.value.field == "secret_key"
    assert "sk_test_wrong" not in str(raised.value)


@pytest.mark.parametrize("status", [302, 500])
def test_a_registration_without_an_answer_may_have_been_made(transport: Transport, script: Script, status: int) -> None:
    script.says(status)
    with pytest.raises(GatewayOutcomeUnknownError):
        register_webhook(transport, script.account, URL, "Dunlin")


@pytest.mark.parametrize(
    "body", ["", "<html></html>", "[]", {"id": "sub_1", "mode": "live"}, {"id": 1, "mode": "live", "secret": "w"}]
)
def test_a_registration_without_its_secret_may_have_been_made(transport: Transport, script: Script, body: object) -> None:
    script.says(200, body)
    with pytest.raises(GatewayOutcomeUnknownError):
        register_webhook(transport, script.account, URL, "Dunlin")


@pytest.mark.parametrize("body", [{}, {"subscriptions": None}, {"subscriptions": ["sub_1"]}, "<html></html>"])
def test_a_list_that_is_none_is_not_taken_for_empty(transport: Transport, script: Script, body: object) -> None:
    script.says(200, body)
    with pytest.raises(GatewayOutcomeUnknownError):
        list_webhooks(transport, script.account)


def test_a_firewalls_page_says_nothing_about_the_key(transport: Transport, script: Script) -> None:
    script.says(403, "<html>blocked</html>")
    with pytest.raises(GatewayOutcomeUnknownError, match="403"):
        list_webhooks(transport, script.account)


def test_the_key_goes_with_each_request(transport: Transport, script: Script) -> None:
    script.says(200, {"subscriptions": [{"id": "sub_1", "url": URL}]})
    assert list_webhooks(transport, script.account) == [Registration("sub_1", "", URL, "")]
    assert script.seen[-1].headers["authorization"] == f"Bearer {SECRET_KEY}"


def test_a_yoco_that_cannot_be_reached_registered_nothing(transport: Transport, script: Script) -> None:
    with pytest.raises(GatewayUnreachableError):
        register_webhook(transport, replace(script.account, base_url="http://127.0.0.1:1/api"), URL, "Dunlin")
