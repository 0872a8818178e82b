"""What Ozow is sent, what its notifications mean, and what is never sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import BadSignatureError, CheckoutRequest, GatewayAccount, Inbound, MalformedUpdateError
from gateways.ozow import Ozow, checkout_fields, status_url
from gateways.transport import Transport
from tests.gateways.ozow_bench import CREDENTIALS, PRIVATE_KEY

ACCOUNT = GatewayAccount(
    id="gwa_1",
    gateway="ozow",
    currency="ZAR",
    base_url="https://api.ozow.com",
    result_url="https://billing.example.com/api/webhooks/ozow",
    credentials=CREDENTIALS,
)
REQUEST = CheckoutRequest(
    reference="att_01jz8k3v9q",
    trace="att_01jz8k3v9q",
    amount=Money(25_00, "ZAR"),
    method=PaymentMethod.OZOW,
    description="Invoice CRE-000012",
    return_url="https://billing.example.com/pay/1",
    email="payer@example.com",
)
TEST_ACCOUNT = replace(ACCOUNT, credentials={**CREDENTIALS, "is_test": "True"})


@pytest.fixture
def ozow(transport: Transport) -> Ozow:
    return Ozow(transport)


def inbound(fields: Mapping[str, str]) -> Inbound:
    return Inbound(urlencode(fields).encode(), {}, None, datetime(2026, 7, 22, tzinfo=UTC))


def notified(**changes: str) -> Inbound:
    """A genuine notification; a field that is changed to nothing is left out."""
    fields = {
        "SiteCode": "TSTSTE0001",
        "TransactionId": "1cd47b26-9d24-4b1d-a1b0-6b7c9e1a2f3b",
        "TransactionReference": "att_01jz8k3v9q",
        "Amount": "25.00",
        "Status": "Complete",
        "Optional1": "",
        "CurrencyCode": "ZAR",
        "IsTest": "false",
        "StatusMessage": "",
    } | changes
    text = "".join(value or ("false" if name == "IsTest" else "") for name, value in fields.items()) + PRIVATE_KEY
    signed = {**fields, "Hash": hashlib.sha512(text.lower().encode()).hexdigest()}
    return inbound({name: value for name, value in signed.items() if value})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("Complete", Outcome.PAID),
        ("COMPLETE", Outcome.PAID),
        ("Cancelled", Outcome.DECLINED),
        ("Error", Outcome.DECLINED),
        ("Abandoned", Outcome.DECLINED),
        ("PendingInvestigation", Outcome.PENDING),
        ("Pending", Outcome.PENDING),
        ("Completed", Outcome.UNKNOWN),
        ("Teleported", Outcome.UNKNOWN),
    ],
)
def test_each_status_means_one_outcome_and_an_unknown_word_is_no_failure(ozow: Ozow, status: str, outcome: Outcome) -> None:
    state = ozow.verify_update(ACCOUNT, notified(Status=status))
    assert (state.outcome, state.gateway_status) == (outcome, status)


def test_a_notification_is_read_whole_and_proves_nothing_by_itself(ozow: Ozow) -> None:
    update = notified()
    state = ozow.verify_update(ACCOUNT, update)
    assert state.reference == "att_01jz8k3v9q"
    assert state.gateway_reference == "1cd47b26-9d24-4b1d-a1b0-6b7c9e1a2f3b"
    assert state.amount == Money(25_00, "ZAR")
    assert state.raw == update.body.decode()
    assert ozow.confirm_update(ACCOUNT, update.body) is None


def test_a_notification_of_another_site_is_refused(ozow: Ozow) -> None:
    with pytest.raises(BadSignatureError, match="another site"):
        ozow.verify_update(ACCOUNT, notified(SiteCode="TSTSTE0002"))
    assert ozow.verify_update(ACCOUNT, notified(SiteCode="tstste0001")).outcome is Outcome.PAID


@pytest.mark.parametrize(
    ("is_test", "live_is_other", "test_is_other"),
    [("false", False, True), ("False", False, True), ("", False, True), ("true", True, False), ("True", True, False)],
)
def test_play_money_and_real_money_are_told_apart(ozow: Ozow, is_test: str, live_is_other: bool, test_is_other: bool) -> None:
    assert ozow.verify_update(ACCOUNT, notified(IsTest=is_test)).is_other_mode is live_is_other
    assert ozow.verify_update(TEST_ACCOUNT, notified(IsTest=is_test)).is_other_mode is test_is_other


@pytest.mark.parametrize("amount", ["1,000.00", "25.005", "free", ""])
def test_an_amount_that_cannot_be_read_is_never_guessed(ozow: Ozow, amount: str) -> None:
    state = ozow.verify_update(ACCOUNT, notified(Amount=amount))
    assert (state.outcome, state.amount) == (Outcome.PAID, None)


@pytest.mark.parametrize("name", ["TransactionReference", "TransactionId", "Status"])
def test_a_signed_notification_without_what_identifies_it_is_malformed(ozow: Ozow, name: str) -> None:
    with pytest.raises(MalformedUpdateError, match=name):
        ozow.verify_update(ACCOUNT, notified(**{name: " "}))
    with pytest.raises(MalformedUpdateError, match=name):
        ozow.read_update(notified(**{name: " "}))


def test_the_event_key_is_of_the_transaction_and_its_status_in_any_case(ozow: Ozow) -> None:
    key = ozow.read_update(notified()).event_key
    assert key == "1cd47b26-9d24-4b1d-a1b0-6b7c9e1a2f3b/att_01jz8k3v9q/complete"
    assert ozow.read_update(notified(Status="COMPLETE", StatusMessage="again")).event_key == key
    assert ozow.read_update(notified(Status="Pending")).event_key != key
    assert ozow.read_update(notified(TransactionId="1/a", TransactionReference="b")).event_key != (
        ozow.read_update(notified(TransactionId="1", TransactionReference="a/b")).event_key
    )


def test_a_payment_request_is_sent_as_text_and_hashed_in_table_order() -> None:
    fields = checkout_fields(ACCOUNT, REQUEST)
    claimed = fields.pop("HashCheck")
    assert fields == {
        "SiteCode": "TSTSTE0001",
        "CountryCode": "ZA",
        "CurrencyCode": "ZAR",
        "Amount": "25.00",
        "TransactionReference": "att_01jz8k3v9q",
        "BankReference": "Invoice CRE-000012",
        "CancelUrl": "https://billing.example.com/pay/1?back=cancelled",
        "ErrorUrl": "https://billing.example.com/pay/1?back=failed",
        "SuccessUrl": "https://billing.example.com/pay/1?back=paid",
        "NotifyUrl": "https://billing.example.com/api/webhooks/ozow",
        "IsTest": "false",
    }
    assert claimed == hashlib.sha512(("".join(fields.values()) + PRIVATE_KEY).lower().encode()).hexdigest()


def test_a_test_account_says_so_wherever_it_asks() -> None:
    assert checkout_fields(TEST_ACCOUNT, REQUEST)["IsTest"] == "true"
    assert status_url(TEST_ACCOUNT, "a b&c") == (
        "https://api.ozow.com/GetTransactionByReference?siteCode=TSTSTE0001&transactionReference=a%20b%26c&isTest=true"
    )
    assert status_url(ACCOUNT, "1").endswith("&isTest=false")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": Money(25_00, "USD")}, "amount"),
        ({"amount": Money(0, "ZAR")}, "amount"),
        ({"amount": Money(-1, "ZAR")}, "amount"),
        ({"amount": Money(10_000_000_00, "ZAR")}, "amount"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 51}, "reference"),
        ({"reference": " x"}, "reference"),
        ({"return_url": "https://billing.example.com/" + "x" * 110}, "return_url"),
        ({"method": PaymentMethod.CASH}, "method"),
    ],
)
def test_what_ozow_would_refuse_is_not_sent(ozow: Ozow, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        ozow.open_checkout(ACCOUNT, replace(REQUEST, **change))  # type: ignore[arg-type]  # the table mixes fields
    assert raised.value.field == field


def test_the_largest_that_ozow_takes_is_sent() -> None:
    longest = "https://billing.example.com/" + "x" * (150 - len("https://billing.example.com/?back=cancelled"))
    request = replace(REQUEST, reference="x" * 50, amount=Money(9_999_999_99, "ZAR"), return_url=longest)
    fields = checkout_fields(ACCOUNT, request)
    assert (fields["Amount"], len(fields["CancelUrl"])) == ("9999999.99", 150)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"site_code": ""}, "site_code"),
        ({"private_key": " "}, "private_key"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "EB57\u200b58"}, "api_key"),
        ({"is_test": "yes"}, "is_test"),
    ],
)
def test_an_account_that_is_not_filled_in_names_the_credential(ozow: Ozow, change: dict[str, str], field: str) -> None:
    account = replace(ACCOUNT, credentials={**CREDENTIALS, **change})
    with pytest.raises(InvalidInputError, match="gwa_1") as raised:
        ozow.open_checkout(account, REQUEST)
    assert raised.value.field == field


@pytest.mark.parametrize(("change", "field"), [({"currency": "USD"}, "amount"), ({"result_url": "x" * 151}, "result_url")])
def test_an_account_that_cannot_be_ozows_is_refused(ozow: Ozow, change: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        ozow.open_checkout(replace(ACCOUNT, **change), REQUEST)  # type: ignore[arg-type]  # fields of one type
    assert raised.value.field == field
