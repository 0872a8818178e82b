"""What Ozow's answers mean: payment requests, and transactions under one reference. A small host answers as each test says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import (
    CheckoutRequest,
    GatewayAccount,
    GatewayOutcomeUnknownError,
    PaymentState,
    UntrustedAddressError,
)
from gateways.ozow import Ozow, status_url
from gateways.transport import Transport
from tests.gateways.ozow_bench import API_KEY, CREDENTIALS, SITE_CODE
from tests.gateways.serving import served

REFERENCE = "att_01jz8k3v9q"


class Host:
    """Answers every request the same, and keeps the last one that came."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"[]"
        self.headers: dict[str, str] = {}
        self.query: dict[str, str] = {}
        self.sent: Any = None

    async def __call__(self, request: Request) -> Response:
        self.headers, self.query = dict(request.headers), dict(request.query_params)
        self.sent = json.loads(await request.body() or b"null")
        return Response(self.body, status_code=self.status, media_type="application/json")

    def answers(self, answer: object, status: int = 200) -> None:
        self.status, self.body = status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()


@pytest.fixture(scope="module")
def host_and_url() -> Iterator[tuple[Host, str]]:
    host = Host()

    async def every(request: Request) -> Response:
        return await host(request)

    with served(Starlette(routes=[Route("/{path:path}", every, methods=["GET", "POST"])])) as url:
        yield host, url


@pytest.fixture
def host(host_and_url: tuple[Host, str]) -> Host:
    return host_and_url[0]


@pytest.fixture
def account(host_and_url: tuple[Host, str]) -> GatewayAccount:
    url = host_and_url[1]
    return GatewayAccount("gwa_1", "ozow", "ZAR", url, "https://billing.example.com/ozow", CREDENTIALS)


@pytest.fixture
def ozow(transport: Transport) -> Ozow:
    return Ozow(transport)


REQUEST = CheckoutRequest(
    reference=REFERENCE,
    trace=REFERENCE,
    amount=Money(25_00, "ZAR"),
    method=PaymentMethod.OZOW,
    description="Invoice CRE-000012",
    return_url="https://billing.example.com/pay/1",
    email="payer@example.com",
)


def row(status: str, transaction_id: str = "t1", **changes: object) -> dict[str, object]:
    return {
        "transactionId": transaction_id,
        "siteCode": SITE_CODE,
        "transactionReference": REFERENCE,
        "currencyCode": "ZAR",
        "amount": 25.0,
        "status": status,
    } | changes


def polled(ozow: Ozow, host: Host, account: GatewayAccount, *rows: object) -> PaymentState:
    host.answers(list(rows))
    return ozow.poll(account, status_url(account, REFERENCE))


@pytest.mark.parametrize("url", ["https://pay.ozow.com/5e28/Secure", "https://ozow.com/5e28", "https://stagingpay.ozow.com/x"])
def test_a_payer_is_sent_where_ozow_says(ozow: Ozow, host: Host, account: GatewayAccount, url: str) -> None:
    host.answers({"paymentRequestId": "5e28", "url": url, "errorMessage": None})
    checkout = ozow.open_checkout(account, REQUEST)
    assert (checkout.outcome, checkout.redirect_url, checkout.checkout_id) == (Outcome.PENDING, url, "5e28")
    assert checkout.poll_url == status_url(account, REFERENCE)
    assert (host.headers["apikey"], host.headers["accept"]) == (API_KEY, "application/json")
    assert host.headers["content-type"] == "application/json"
    assert host.sent["Amount"] == "25.00"


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.ozow.com/x",
        "https://pay.ozow.com:8443/x",
        "https://payozow.com/x",
        "https://pay.ozow.com.example.net/x",
        "https://pay.ozow.com@example.net/x",
        "https://payer@pay.ozow.com/x",
        "https://example.net\\@pay.ozow.com/x",
        "https://[pay.ozow.com/x",
        "//pay.ozow.com/x",
        "javascript:alert(1)",
    ],
)
def test_a_payer_is_sent_nowhere_else(ozow: Ozow, host: Host, account: GatewayAccount, url: str) -> None:
    host.answers({"paymentRequestId": "5e28", "url": url, "errorMessage": None})
    with pytest.raises(GatewayOutcomeUnknownError, match="not Ozow's"):
        ozow.open_checkout(account, REQUEST)


@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_is_told_in_ozows_words_whatever_the_status(
    ozow: Ozow, host: Host, account: GatewayAccount, status: int
) -> None:
    host.answers({"paymentRequestId": None, "url": None, "errorMessage": "Invalid site code"}, status)
    checkout = ozow.open_checkout(account, REQUEST)
    assert (checkout.outcome, checkout.decline_reason) == (Outcome.DECLINED, "Invalid site code")


def test_a_refusal_is_shown_in_what_can_be_printed_of_it(ozow: Ozow, host: Host, account: GatewayAccount) -> None:
    host.answers({"errorMessage": " Not\x00 \ud800active\n" + "x" * 70_000})
    reason = ozow.open_checkout(account, REQUEST).decline_reason or ""
    assert (reason[:13], len(reason)) == ("Not active xx", 300)


@pytest.mark.parametrize("word", ["a\x00", "\ud800", "x" * 101])
def test_an_id_or_a_word_that_cannot_be_stored_leaves_the_outcome_unknown(
    ozow: Ozow, host: Host, account: GatewayAccount, word: str
) -> None:
    host.answers({"paymentRequestId": word, "url": "https://pay.ozow.com/x", "errorMessage": None})
    with pytest.raises(GatewayOutcomeUnknownError, match="paymentRequestId"):
        ozow.open_checkout(account, REQUEST)
    for strange in (row(word), row("Complete", word)):
        with pytest.raises(GatewayOutcomeUnknownError, match="cannot be printed"):
            polled(ozow, host, account, strange)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_api_key_is_named(ozow: Ozow, host: Host, account: GatewayAccount, status: int) -> None:
    host.answers({"message": "denied"}, status)
    with pytest.raises(InvalidInputError, match="gwa_1") as raised:
        ozow.open_checkout(account, REQUEST)
    assert raised.value.field == "api_key"
    with pytest.raises(GatewayOutcomeUnknownError):
        ozow.poll(account, status_url(account, REFERENCE))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"<html>Just a moment...</html>", 403),
        (b"<html></html>", 200),
        ({"errorMessage": "Slow down"}, 429),
        ({"title": "One or more validation errors occurred."}, 400),
        ({"paymentRequestId": "5e28", "url": None}, 200),
        ({"paymentRequestId": None, "url": "https://pay.ozow.com/x"}, 200),
        ({}, 200),
        ([], 200),
        (b"null", 200),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_refusal(
    ozow: Ozow, host: Host, account: GatewayAccount, answer: object, status: int
) -> None:
    host.answers(answer, status)
    with pytest.raises(GatewayOutcomeUnknownError):
        ozow.open_checkout(account, REQUEST)


def test_a_payer_who_has_not_begun_is_waited_for_but_not_found_by_trace(
    ozow: Ozow, host: Host, account: GatewayAccount
) -> None:
    state = polled(ozow, host, account)
    assert (state.outcome, state.found) == (Outcome.PENDING, True)
    assert host.query == {"siteCode": SITE_CODE, "transactionReference": REFERENCE, "isTest": "false"}
    traced = ozow.trace(account, REFERENCE)
    assert (traced.outcome, traced.found) == (Outcome.UNKNOWN, False)


def test_two_complete_transactions_under_one_reference_are_both_told(ozow: Ozow, host: Host, account: GatewayAccount) -> None:
    newer = row("Complete", "t2", createdDate="2026-07-22T10:05:00", amount="30.00")
    older = row("Complete", "t1", createdDate="2026-07-22T10:00:00.1234567")
    state = polled(ozow, host, account, newer, row("Cancelled", "t3", createdDate="2026-07-22T10:07:00"), older, older)
    assert (state.outcome, state.gateway_reference, state.amount) == (Outcome.PAID, "t1", Money(25_00, "ZAR"))
    [other] = state.others
    assert (other.outcome, other.gateway_reference, other.amount) == (Outcome.PAID, "t2", Money(30_00, "ZAR"))


@pytest.mark.parametrize("dates", [(None, "2026-07-22T10:00:00"), ("yesterday", "2026-07-22T10:00:00")])
def test_without_times_the_first_that_is_listed_answers(
    ozow: Ozow, host: Host, account: GatewayAccount, dates: tuple[str | None, str]
) -> None:
    rows = [row("Complete", f"t{place}", createdDate=date) for place, date in enumerate(dates)]
    assert polled(ozow, host, account, *rows).gateway_reference == "t0"


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["Cancelled", "Complete", "Pending"], Outcome.PAID),
        (["Cancelled", "Pending"], Outcome.PENDING),
        (["PendingInvestigation", "Error"], Outcome.PENDING),
        (["Teleported", "Pending"], Outcome.PENDING),
        (["Teleported", "Error"], Outcome.UNKNOWN),
        (["Cancelled", "Error", "Abandoned"], Outcome.DECLINED),
        (["Cancelled"] * 9, Outcome.DECLINED),
        (["Cancelled"] * 10, Outcome.UNKNOWN),
        (["Cancelled"] * 9 + ["Complete"], Outcome.PAID),
    ],
)
def test_an_attempt_is_declined_only_when_all_of_its_tries_are_over_and_all_are_listed(
    ozow: Ozow, host: Host, account: GatewayAccount, statuses: list[str], outcome: Outcome
) -> None:
    rows = [row(status, f"t{place}") for place, status in enumerate(statuses)]
    assert polled(ozow, host, account, *rows).outcome is outcome


@pytest.mark.parametrize(("name", "value"), [("transactionReference", REFERENCE.upper()), ("siteCode", "TSTSTE0002")])
def test_a_transaction_of_somebody_else_does_not_count(
    ozow: Ozow, host: Host, account: GatewayAccount, name: str, value: str
) -> None:
    assert polled(ozow, host, account, row("Complete") | {name: value}).outcome is Outcome.PENDING
    assert not ozow.trace(account, REFERENCE).found


def test_a_transaction_that_names_no_site_and_no_currency_is_about_ours(
    ozow: Ozow, host: Host, account: GatewayAccount
) -> None:
    state = polled(ozow, host, account, row("Complete", siteCode=None, currencyCode=None, amount="25.00"))
    assert (state.outcome, state.amount) == (Outcome.PAID, Money(25_00, "ZAR"))


def test_play_money_is_told_as_such_and_never_as_a_further_payment(ozow: Ozow, host: Host, account: GatewayAccount) -> None:
    play, real = row("Complete", "t1", isTest=True), row("Complete", "t2", isTest="False")
    assert polled(ozow, host, account, play).is_other_mode
    state = polled(ozow, host, account, play, real)
    assert (state.gateway_reference, state.is_other_mode, state.others) == ("t2", False, ())


@pytest.mark.parametrize(
    "answer",
    [{}, {"errorMessage": "no"}, b"null", b"<html></html>", b"", ["Complete"], [row("")], [row("Complete", "")]],
)
def test_a_list_that_makes_no_sense_leaves_the_outcome_unknown(
    ozow: Ozow, host: Host, account: GatewayAccount, answer: object
) -> None:
    host.answers(answer)
    with pytest.raises(GatewayOutcomeUnknownError):
        ozow.poll(account, status_url(account, REFERENCE))


def test_an_address_without_our_reference_is_not_asked(ozow: Ozow, account: GatewayAccount) -> None:
    with pytest.raises(UntrustedAddressError, match="no reference"):
        ozow.poll(account, f"{account.base_url}/GetTransactionByReference?siteCode={SITE_CODE}")
