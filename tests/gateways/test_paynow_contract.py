"""Paynow keeps the contract of all gateways, by web checkout and by express checkout."""

from collections.abc import Iterator

import pytest

from domain.payment import PaymentMethod
from gateways.base import GatewayAccount
from gateways.transport import Transport
from tests.gateways.contract import (
    GatewayContract,
    OpeningContract,
    PollContract,
    QuestionContract,
    ReorderedUpdateContract,
    ReturnedMoneyContract,
    SignedReplyContract,
    UpdateContract,
)
from tests.gateways.paynow_bench import PaynowBench
from tests.gateways.serving import Merchant


@pytest.fixture(params=[PaymentMethod.PAYNOW_VISA, PaymentMethod.PAYNOW_ECOCASH])
def bench(
    request: pytest.FixtureRequest,
    paynow_account: GatewayAccount,
    merchant: Merchant,
    transport: Transport,
    impatient_transport: Transport,
) -> Iterator[PaynowBench]:
    bench = PaynowBench(paynow_account, merchant, request.param, transport, impatient_transport)
    yield bench
    bench.close()


class TestPaynow(GatewayContract):
    pass


class TestPaynowUpdates(UpdateContract, ReorderedUpdateContract):
    pass


class TestPaynowOpening(OpeningContract):
    pass


class TestPaynowQuestions(QuestionContract, PollContract, ReturnedMoneyContract):
    pass


class TestPaynowReplies(SignedReplyContract):
    pass
