"""Asking Yoco how a checkout stands."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.money import Money
from domain.payment import Outcome
from gateways.base import GatewayOutcomeUnknownError, UntrustedAddressError
from gateways.transport import Transport
from gateways.yoco import Yoco
from tests.gateways.yoco_script import ACCOUNT, CHECKOUT, REQUEST, Script, scripted


@pytest.fixture(scope="module")
def played() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def script(played: Script) -> Script:
    played.answers.clear()
    played.seen.clear()
    return played


@pytest.fixture
def yoco(transport: Transport) -> Yoco:
    return Yoco(transport)


def address(script: Script) -> str:
    return f"{script.account.base_url}/checkouts/{CHECKOUT['id']}"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("completed", Outcome.PAID),
        ("Completed", Outcome.PAID),
        ("created", Outcome.PENDING),
        ("started", Outcome.PENDING),
        ("processing", Outcome.PENDING),
        ("expired", Outcome.DECLINED),
        ("succeeded", Outcome.UNKNOWN),
        ("paid", Outcome.UNKNOWN),
        ("failed", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
        (7, Outcome.UNKNOWN),
    ],
)
def test_each_status_means_one_outcome_and_a_payment_id_means_nothing(
    yoco: Yoco, script: Script, status: object, outcome: Outcome
) -> None:
    script.says(200, CHECKOUT | {"status": status, "paymentId": "p_bx4bY9JA6r4UwAKFyAjHY2bE"})
    assert yoco.poll(script.account, address(script)).outcome is outcome


def test_a_paid_checkout_tells_what_was_paid_but_not_surely_by_which_payment(yoco: Yoco, script: Script) -> None:
    script.says(200, CHECKOUT | {"status": "completed", "paymentId": "p_bx4bY9JA6r4UwAKFyAjHY2bE"})
    state = yoco.poll(script.account, address(script))
    assert state.amount == Money(149_50, "ZAR")
    assert state.gateway_reference is None
    assert (state.reference, state.gateway_status) == (REQUEST.reference, "completed")
    assert not state.is_other_mode
    [asked] = script.seen
    assert (asked.method, asked.path) == ("GET", f"/api/checkouts/{CHECKOUT['id']}")
    assert "idempotency-key" not in asked.headers


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(None, "ZAR"), ("14950", "ZAR"), (149.5, "ZAR"), (True, "ZAR"), (-1, "ZAR"), (10**16, "ZAR"), (14950, "XXX"), (14950, 7)],
)
def test_an_amount_that_makes_no_sense_is_never_guessed(yoco: Yoco, script: Script, amount: object, currency: object) -> None:
    script.says(200, CHECKOUT | {"status": "completed", "amount": amount, "currency": currency})
    state = yoco.poll(script.account, address(script))
    assert (state.outcome, state.amount) == (Outcome.PAID, None)


@pytest.mark.parametrize(
    ("key", "mode", "is_other"),
    [
        ("sk_live_1", "live", False),
        ("sk_test_1", "test", False),
        ("sk_live_1", "test", True),
        ("sk_test_1", "live", True),
        ("sk_live_1", "sandbox", True),
        ("sk_live_1", None, False),
    ],
)
def test_play_money_is_told_apart_from_real_money(
    yoco: Yoco, script: Script, key: str, mode: str | None, is_other: bool
) -> None:
    script.says(200, CHECKOUT | {"status": "completed", "processingMode": mode})
    account = replace(script.account, credentials={**script.account.credentials, "secret_key": key})
    assert yoco.poll(account, address(script)).is_other_mode is is_other


def test_an_answer_about_another_checkout_is_not_taken(yoco: Yoco, script: Script) -> None:
    script.says(200, CHECKOUT | {"id": "ch_other", "status": "completed"})
    with pytest.raises(GatewayOutcomeUnknownError, match="another checkout"):
        yoco.poll(script.account, address(script))


def test_a_checkout_that_cannot_be_read_there_is_not_said_to_be_unheard_of(yoco: Yoco, script: Script) -> None:
    script.says(404, {"errorMessage": "Not found"})
    state = yoco.poll(script.account, address(script))
    assert (state.outcome, state.found) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize(
    ("status", "body"), [(403, "{}"), (404, "<html></html>"), (302, ""), (200, ""), (200, "[]"), (500, "{}"), (429, "{}")]
)
def test_anything_else_leaves_the_outcome_unknown(yoco: Yoco, script: Script, status: int, body: str) -> None:
    script.says(status, body)
    with pytest.raises(GatewayOutcomeUnknownError):
        yoco.poll(script.account, address(script))


@pytest.mark.parametrize("path", ["/webhooks", "/checkouts", "/v1/checkouts/ch_1", "/api"])
def test_only_checkouts_are_polled_and_nothing_else_on_yocos_host(yoco: Yoco, path: str) -> None:
    with pytest.raises(UntrustedAddressError):
        yoco.poll(ACCOUNT, f"https://payments.yoco.com{path}")


def test_an_attempt_whose_answer_was_lost_is_not_looked_for(yoco: Yoco, script: Script) -> None:
    state = yoco.trace(script.account, REQUEST.trace)
    assert (state.outcome, state.found) == (Outcome.UNKNOWN, False)
    assert script.seen == []


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_yoco_that_says_anything_passes_the_probe(yoco: Yoco, script: Script, status: int) -> None:
    script.says(status, "{}")
    yoco.probe(script.account)
    [asked] = script.seen
    assert (asked.method, asked.path) == ("GET", "/api/checkouts/dunlin-probe")


def test_a_yoco_that_fails_does_not_pass_the_probe(yoco: Yoco, script: Script) -> None:
    script.says(503)
    with pytest.raises(GatewayOutcomeUnknownError):
        yoco.probe(script.account)
