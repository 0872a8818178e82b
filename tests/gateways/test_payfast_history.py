"""How a payment stands in PayFast's transaction history, and how the history is asked for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

import pytest
from fastapi import FastAPI, Request, Response
from typeid import TypeID

from domain.money import Money
from domain.payment import Outcome
from gateways.base import GatewayAccount, GatewayOutcomeUnknownError, PaymentState
from gateways.payfast import ROWS_A_PAGE, Payfast
from gateways.payfast_history import day_of, read_rows, standing
from gateways.payfast_wire import api_signature
from gateways.transport import Transport
from tests.gateways.payfast_bench import PASSPHRASE, account_at
from tests.gateways.serving import served

# As the live API writes it; rows may end before their blank cells do.
HEADER = (
    'Date,Type,Sign,Party,Name,Description,Currency,"Funding Type","Batch ID",Gross,Fee,Net,Balance,'
    '"M Payment ID","PF Payment ID","custom str1","custom int1"'
)
TRACE = "gtx_01k00c4wj0e008000000000c1s"  # made half an hour after midnight of 13 July 2025, South African time


def row(gross: str = "149.50", fee: str = "-5.21", number: str = "1", kind: str = "FUNDS_RECEIVED", **more: str) -> str:
    sign = more.get("sign", "CREDIT")
    reference = more.get("reference", TRACE)
    return f'"2025-07-13 00:10:00",{kind},{sign},"A ""B"" C",Shop,"Fees,\nJuly",ZAR,CC,,"{gross}",{fee},,,{reference},{number}'


def told(*rows: str, header: str = HEADER) -> PaymentState:
    return standing(read_rows("\n".join([header, *rows]).encode()), TRACE, "ZAR")


def test_the_day_of_an_attempt_is_the_one_in_south_africa() -> None:
    assert TypeID.from_string(TRACE).created_at == datetime(2025, 7, 12, 22, 30, tzinfo=UTC)
    assert day_of(TRACE) == date(2025, 7, 13)
    assert day_of("dunlin-probe") is None
    assert day_of("") is None


def test_a_payment_is_read_with_thousands_set_off_and_text_over_two_lines() -> None:
    state = told(row("2,800.00", "-105.34", "32238"))
    assert (state.outcome, state.reference, state.gateway_reference) == (Outcome.PAID, TRACE, "32238")
    assert (state.amount, state.fee) == (Money(2_800_00, "ZAR"), Money(105_34, "ZAR"))
    assert state.others == ()


@pytest.mark.parametrize("kind", ["FUNDS_RECEIVED", "Funds Received"])
def test_either_name_of_money_received_is_money(kind: str) -> None:
    assert told(row(kind=kind)).outcome is Outcome.PAID


@pytest.mark.parametrize("header", [HEADER.lower(), HEADER.replace(" ID", "_ID"), "\N{BOM}" + HEADER])
def test_columns_are_known_by_any_way_of_writing_them(header: str) -> None:
    assert told(row(), header=header).outcome is Outcome.PAID


def test_nobody_has_paid_what_is_not_listed() -> None:
    for rows in ([], [row(reference="gtx_other")], [row(kind="PAYOUT", gross="-149.50", reference="")]):
        state = told(*rows)
        assert (state.outcome, state.found, state.amount) == (Outcome.PENDING, True, None)


def test_the_same_form_paid_twice_is_two_payments() -> None:
    state = told(row(number="1"), row(number="2", gross="149.50"), row(number="1"))
    assert state.gateway_reference == "1"
    assert [(other.gateway_reference, other.outcome) for other in state.others] == [("2", Outcome.PAID)]


@pytest.mark.parametrize(
    ("moves", "outcome"),
    [
        ([row(gross="-149.50", kind="REFUND", sign="DEBIT")], Outcome.REFUNDED),
        ([row(gross="-149.50", kind="Funds Received (Reversal)", sign="Debit", number="77")], Outcome.REFUNDED),
        (
            [row(gross="-100.00", kind="REFUND", sign="DEBIT"), row(gross="-49.50", kind="REFUND", sign="DEBIT")],
            Outcome.REFUNDED,
        ),
        ([row(gross="-100.00", kind="REFUND", sign="DEBIT")], Outcome.PAID),
    ],
)
def test_what_was_given_back_whole_is_refunded(moves: list[str], outcome: Outcome) -> None:
    state = told(row(), *moves)
    assert (state.outcome, state.amount) == (outcome, Money(149_50, "ZAR"))


def test_one_of_two_payments_that_was_given_back_leaves_the_other() -> None:
    state = told(row(number="1"), row(number="2"), row(number="1", gross="-149.50", kind="REFUND", sign="DEBIT"))
    assert (state.outcome, state.gateway_reference, state.others) == (Outcome.PAID, "2", ())


def test_a_move_that_is_no_payment_leaves_the_outcome_unknown() -> None:
    state = told(row(kind="ADJUSTMENT"))
    assert (state.outcome, state.found, state.gateway_status) == (Outcome.UNKNOWN, True, "ADJUSTMENT")


def test_a_fee_that_cannot_be_read_does_not_stop_the_money() -> None:
    assert told(row(fee="n/a")).fee is None


def test_another_currency_is_told_as_it_came() -> None:
    assert told(row().replace(",ZAR,", ",USD,")).amount == Money(149_50, "USD")


def test_our_trace_is_found_beside_another_reference() -> None:
    state = told(row(reference="CB-12") + f",{TRACE}")
    assert (state.outcome, state.reference) == (Outcome.PAID, "CB-12")


@pytest.mark.parametrize("wrapped", [{"response": "%"}, {"code": 200, "status": "success", "data": {"response": "%"}}])
def test_the_csv_may_come_wrapped(wrapped: dict[str, object]) -> None:
    text = json.dumps(f"{HEADER}\n{row()}")
    assert len(read_rows(json.dumps(wrapped).replace('"%"', text).encode())) == 1
    assert read_rows(json.dumps(wrapped).replace("%", "").encode()) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" \n", b"<html></html>", b"\xff", b"{", b'{"response": null}', b'{"data": []}', b'Date,"Typ'),
        b'{"response":' + b"[" * 100_000,
        f"{HEADER}\n{row(kind=chr(0))}".encode(),
        json.dumps({"response": f"{HEADER}\n{row(kind=chr(0))}"}).encode(),
        json.dumps({"response": f"{HEADER}\n{row(kind=chr(0xD800))}"}).encode(),
    ],
)
def test_what_is_not_the_history_leaves_the_outcome_unknown(body: bytes) -> None:
    with pytest.raises(GatewayOutcomeUnknownError):
        read_rows(body)


def test_a_missing_column_or_an_amount_without_sense_leaves_the_outcome_unknown() -> None:
    with pytest.raises(GatewayOutcomeUnknownError, match="pf payment id"):
        told(row(), header=HEADER.replace("PF Payment ID", "Number"))
    with pytest.raises(GatewayOutcomeUnknownError, match="amount"):
        told(row(gross="lots"))


class Api:
    """An API host that keeps what it is asked and answers with `pages`, one a call; the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.pages = [HEADER]
        self.status = 200

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/transactions/history")
        async def history(request: Request) -> Response:
            self.asked.append(request)
            page = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
            return Response(page, status_code=self.status)

        return app


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def account(api: Api) -> Iterator[GatewayAccount]:
    with served(api.app()) as url:
        yield replace(account_at("https://www.payfast.co.za", ""), api_url=url)


@pytest.fixture
def payfast(transport: Transport) -> Payfast:
    return Payfast(transport, clock=lambda: datetime(2025, 7, 14, 10, 0, 5, 999, tzinfo=UTC))


def test_a_call_is_dated_and_signed_over_headers_and_query(payfast: Payfast, api: Api, account: GatewayAccount) -> None:
    payfast.trace(account, TRACE)
    [asked] = api.asked
    query = {"from": "2025-07-13", "to": "2025-07-14", "offset": "0", "limit": str(ROWS_A_PAGE)}
    signed = {"merchant-id": "10000100", "version": "v1", "timestamp": "2025-07-14T12:00:05+02:00"}
    assert dict(asked.query_params) == query
    assert {name: asked.headers[name] for name in signed} == signed
    assert asked.headers["signature"] == api_signature(signed | query, PASSPHRASE)
    assert PASSPHRASE not in f"{asked.url}{asked.headers}"


def test_an_old_attempt_is_looked_for_in_the_month_after_it(api: Api, account: GatewayAccount, transport: Transport) -> None:
    for now in (datetime(2026, 7, 14, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)):
        Payfast(transport, clock=partial(datetime.astimezone, now)).trace(account, TRACE)
    assert [asked.query_params["to"] for asked in api.asked] == ["2025-08-13", "2025-07-13"]


def test_the_sandbox_is_told_by_a_parameter_that_is_not_signed(payfast: Payfast, api: Api, account: GatewayAccount) -> None:
    payfast.trace(account, TRACE)
    payfast.trace(replace(account, base_url="https://sandbox.payfast.co.za"), TRACE)
    live, sandbox = api.asked
    assert sandbox.query_params["testing"] == "true"
    assert sandbox.headers["signature"] == live.headers["signature"]


def test_a_full_page_is_followed_by_the_next(payfast: Payfast, api: Api, account: GatewayAccount) -> None:
    full = "\n".join([HEADER, *[row(reference="other")] * ROWS_A_PAGE])
    api.pages = [full, "\n".join([HEADER, row(number="9")])]
    assert payfast.trace(account, TRACE).gateway_reference == "9"
    assert [asked.query_params["offset"] for asked in api.asked] == ["0", str(ROWS_A_PAGE)]


def test_a_history_without_an_end_leaves_the_outcome_unknown(payfast: Payfast, api: Api, account: GatewayAccount) -> None:
    api.pages = ["\n".join([HEADER, *[row(reference="other")] * ROWS_A_PAGE])]
    with pytest.raises(GatewayOutcomeUnknownError, match="more than"):
        payfast.trace(account, TRACE)


@pytest.mark.parametrize(("status", "words"), [(401, "merchant_id or passphrase"), (429, "HTTP 429"), (404, "HTTP 404")])
def test_a_refusal_leaves_the_outcome_unknown_and_shows_no_secret(
    payfast: Payfast, api: Api, account: GatewayAccount, status: int, words: str
) -> None:
    api.status = status
    with pytest.raises(GatewayOutcomeUnknownError, match=words) as raised:
        payfast.trace(account, TRACE)
    assert PASSPHRASE not in str(raised.value)


def test_a_trace_that_is_no_id_of_ours_is_not_asked_about(payfast: Payfast, api: Api, account: GatewayAccount) -> None:
    state = payfast.trace(account, "dunlin-probe")
    assert (state.found, state.outcome) == (False, Outcome.UNKNOWN)
    assert api.asked == []
