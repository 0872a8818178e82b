"""What is sent to PayFast, what its ITNs mean, and which of them are believed."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import (
    BadSignatureError,
    CheckoutRequest,
    GatewayAccount,
    GatewayError,
    Inbound,
    MalformedUpdateError,
    UntrustedAddressError,
)
from gateways.payfast import Payfast
from gateways.payfast_wire import checkout_signature, itn_signature
from gateways.transport import Transport

ACCOUNT = GatewayAccount(
    id="gwa_1",
    gateway="payfast",
    currency="ZAR",
    base_url="https://www.payfast.co.za/",
    result_url="https://billing.example.com/webhooks/payfast",
    credentials={"merchant_id": "10000100", "merchant_key": "46f0cd694581a", "passphrase": "jt7NOE43FZPn"},
    api_url="https://api.payfast.co.za",
    update_sources=("197.97.145.144/28", "2a0a:1234::/32", "www.payfast.co.za"),
)
BARE = replace(ACCOUNT, credentials={"merchant_id": "10000100", "merchant_key": "46f0cd694581a"}, update_sources=())
REQUEST = CheckoutRequest(
    reference="gtx_01k00c4wj0e008000000000c1s",
    trace="gtx_01k00c4wj0e008000000000c1s",
    amount=Money(149_50, "ZAR"),
    method=PaymentMethod.PAYFAST,
    description="Invoice CB-000012",
    return_url="https://billing.example.com/pay/1",
    email="payer@example.com",
)


def names(host: str) -> Collection[str]:
    assert host == "www.payfast.co.za"
    return ["41.74.179.194", "not an address"]


@pytest.fixture
def payfast(transport: Transport) -> Payfast:
    return Payfast(transport, resolve=names)


def itn(passphrase: str = "jt7NOE43FZPn", source: str | None = "197.97.145.150", **changes: str) -> Inbound:
    fields = {
        "m_payment_id": REQUEST.reference,
        "pf_payment_id": "1089250",
        "payment_status": "COMPLETE",
        "item_name": "Invoice CB-000012",
        "amount_gross": "149.50",
        "amount_fee": "-5.21",
        "amount_net": "144.29",
        "custom_str1": "",
        "merchant_id": "10000100",
    }
    pairs = [(name, value) for name, value in (fields | changes).items() if value != "absent"]
    body = urlencode([*pairs, ("signature", itn_signature(pairs, passphrase))]).encode()
    return Inbound(body, {}, source, datetime(2026, 1, 15, tzinfo=UTC))


def form(payfast: Payfast, **changes: object) -> dict[str, str]:
    checkout = payfast.open_checkout(ACCOUNT, replace(REQUEST, **changes))  # type: ignore[arg-type] # fields by name
    assert checkout.outcome is Outcome.PENDING
    assert checkout.form is not None
    assert all(value.strip() for _, value in checkout.form)
    return dict(checkout.form)


def test_a_checkout_is_a_form_without_secrets_in_the_documented_order(payfast: Payfast) -> None:
    assert list(form(payfast).items()) == [
        ("merchant_id", "10000100"),
        ("return_url", "https://billing.example.com/pay/1?back=paid"),
        ("cancel_url", "https://billing.example.com/pay/1?back=cancelled"),
        ("notify_url", "https://billing.example.com/webhooks/payfast"),
        ("email_address", "payer@example.com"),
        ("m_payment_id", REQUEST.reference),
        ("amount", "149.50"),
        ("item_name", "Invoice CB-000012"),
    ]


@pytest.mark.parametrize(
    ("description", "item_name"),
    [
        (" Fees\r\n for\tJuly\N{NO-BREAK SPACE}2026 \x07", "Fees for July 2026"),
        ("x" * 99 + " yz", "x" * 99),
        ("M\xfcller's ~ (2)", "M\xfcller's ~ (2)"),
        (" \n", REQUEST.reference),
    ],
)
def test_what_is_paid_for_is_told_on_one_line_of_a_hundred_characters(
    payfast: Payfast, description: str, item_name: str
) -> None:
    assert form(payfast, description=description)["item_name"] == item_name


def test_what_payfast_can_do_without_is_left_out_and_a_trace_of_its_own_is_sent_along(payfast: Payfast) -> None:
    assert "email_address" not in form(payfast, email=" ")
    assert "email_address" not in form(payfast, email=f"{'x' * 100}@example.com")
    assert form(payfast, trace="gtx_other")["custom_str1"] == "gtx_other"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("method", {"method": PaymentMethod.YOCO}),
        ("amount", {"amount": Money(149_50, "USD")}),
        ("amount", {"amount": Money(4_99, "ZAR")}),
        ("reference", {"reference": " "}),
        ("reference", {"reference": "x" * 101}),
    ],
)
def test_what_payfast_would_refuse_is_refused_by_its_field(payfast: Payfast, field: str, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError) as raised:
        form(payfast, **changes)
    assert raised.value.field == field


def test_five_rand_are_enough(payfast: Payfast) -> None:
    assert form(payfast, amount=Money(5_00, "ZAR"))["amount"] == "5.00"


@pytest.mark.parametrize("name", ["merchant_id", "merchant_key"])
def test_an_account_without_its_credentials_opens_nothing(payfast: Payfast, name: str) -> None:
    account = replace(ACCOUNT, credentials={**ACCOUNT.credentials, name: " "})
    with pytest.raises(InvalidInputError, match=name):
        payfast.open_checkout(account, REQUEST)


def test_the_handover_adds_the_key_and_signs_in_the_documented_order(payfast: Payfast) -> None:
    opened = tuple(form(payfast, description="O'Neil ~ (2) caf\xe9").items())
    handover = payfast.handover(ACCOUNT, opened[::-1])
    assert handover.action == "https://www.payfast.co.za/eng/process"
    assert handover.fields[:-1] == (opened[0], ("merchant_key", "46f0cd694581a"), *opened[1:])
    assert handover.fields[-1] == ("signature", checkout_signature(handover.fields[:-1], "jt7NOE43FZPn"))
    assert "46f0cd694581a" not in repr(handover)


def test_a_handover_without_a_passphrase_is_signed_all_the_same(payfast: Payfast) -> None:
    handover = payfast.handover(BARE, tuple(form(payfast).items()))
    assert handover.fields[-1] == ("signature", checkout_signature(handover.fields[:-1]))


@pytest.mark.parametrize("given", [(), (("amount", "5.00"), ("setup", "{}"))])
def test_a_form_that_is_not_ours_is_not_signed(payfast: Payfast, given: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(GatewayError, match="gwa_1"):
        payfast.handover(ACCOUNT, given)


def test_there_is_nothing_to_poll(payfast: Payfast) -> None:
    with pytest.raises(UntrustedAddressError):
        payfast.poll(ACCOUNT, "https://www.payfast.co.za/eng/query/validate")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("COMPLETE", Outcome.PAID),
        ("complete", Outcome.PAID),
        ("PENDING", Outcome.PENDING),
        ("FAILED", Outcome.DECLINED),
        ("CANCELLED", Outcome.DECLINED),
        ("TELEPORTED", Outcome.UNKNOWN),
    ],
)
def test_each_status_means_one_outcome_and_an_unknown_word_is_no_failure(
    payfast: Payfast, status: str, outcome: Outcome
) -> None:
    state = payfast.verify_update(ACCOUNT, itn(payment_status=status))
    assert (state.outcome, state.gateway_status) == (outcome, status)


def test_an_itn_is_read_whole(payfast: Payfast) -> None:
    state = payfast.verify_update(ACCOUNT, itn())
    assert (state.reference, state.gateway_reference) == (REQUEST.reference, "1089250")
    assert (state.amount, state.fee) == (Money(149_50, "ZAR"), Money(5_21, "ZAR"))
    assert state.raw == itn().body.decode()


@pytest.mark.parametrize(("fee", "told"), [("", None), ("some", None), ("0.00", Money(0, "ZAR"))])
def test_a_fee_that_cannot_be_read_does_not_stop_the_money(payfast: Payfast, fee: str, told: Money | None) -> None:
    assert payfast.verify_update(ACCOUNT, itn(amount_fee=fee)).fee == told


@pytest.mark.parametrize("name", ["m_payment_id", "pf_payment_id", "payment_status"])
@pytest.mark.parametrize("value", ["absent", " "])
def test_an_itn_without_what_is_needed_is_malformed(payfast: Payfast, name: str, value: str) -> None:
    for read in (payfast.read_update, lambda inbound: payfast.verify_update(ACCOUNT, inbound)):
        with pytest.raises(MalformedUpdateError, match=name):
            read(itn(**{name: value}))


def test_the_event_key_keeps_its_parts_apart(payfast: Payfast) -> None:
    keys = {
        payfast.read_update(itn(pf_payment_id=number, m_payment_id=reference)).event_key
        for number, reference in [("1", "2/3"), ("1/2", "3"), ("1", "2%2F3")]
    }
    assert len(keys) == 3


def test_a_wrong_passphrase_is_refused_and_so_is_one_where_there_should_be_none(payfast: Payfast) -> None:
    for account, passphrase in [(ACCOUNT, ""), (ACCOUNT, "jt7NOE43FZPN"), (BARE, "jt7NOE43FZPn")]:
        with pytest.raises(BadSignatureError, match="passphrase"):
            payfast.verify_update(account, itn(passphrase))
    assert payfast.verify_update(BARE, itn("")).outcome is Outcome.PAID


def test_an_itn_of_another_merchant_is_refused_though_it_is_signed(payfast: Payfast) -> None:
    with pytest.raises(BadSignatureError, match="another merchant"):
        payfast.verify_update(ACCOUNT, itn(merchant_id="10000101"))


@pytest.mark.parametrize(
    "source", ["197.97.145.144", "197.97.145.159", "::ffff:197.97.145.144", "::ffff:c561:9190", "2a0a:1234::7", "41.74.179.194"]
)
def test_an_itn_from_payfasts_networks_and_hosts_is_taken(payfast: Payfast, source: str) -> None:
    assert payfast.verify_update(ACCOUNT, itn(source=source)).outcome is Outcome.PAID


@pytest.mark.parametrize("source", ["197.97.145.160", "::ffff:10.0.0.1", "127.0.0.1", "2a0b::1", "unix", "", None])
def test_an_itn_from_elsewhere_is_refused_with_the_way_out(payfast: Payfast, source: str | None) -> None:
    with pytest.raises(BadSignatureError, match="TRUSTED_PROXIES") as raised:
        payfast.verify_update(ACCOUNT, itn(source=source))
    assert (source or "an unknown address") in str(raised.value)


def test_an_account_that_names_no_sources_takes_itns_from_anywhere(payfast: Payfast) -> None:
    account = replace(ACCOUNT, update_sources=())
    assert payfast.verify_update(account, itn(source="203.0.113.7")).outcome is Outcome.PAID
    assert payfast.verify_update(account, itn(source=None)).outcome is Outcome.PAID


@pytest.mark.parametrize(("status", "outcome"), [("PENDING", Outcome.PENDING), ("FAILED", Outcome.DECLINED)])
def test_what_tells_of_no_money_needs_no_confirmation(impatient_transport: Transport, status: str, outcome: Outcome) -> None:
    nobody = replace(ACCOUNT, base_url="http://127.0.0.1:1")
    state = Payfast(impatient_transport).confirm_update(nobody, itn(payment_status=status).body)
    assert state is not None
    assert state.outcome is outcome
