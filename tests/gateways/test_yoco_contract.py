"""Yoco keeps the contract of all gateways."""

from collections.abc import Iterator

import pytest

from gateways.base import GatewayAccount
from gateways.transport import Transport
from tests.gateways.bench import Bench
from tests.gateways.contract import (
    CurrencyContract,
    GatewayContract,
    ModeContract,
    OpeningContract,
    PollContract,
    QuestionContract,
    ReorderedUpdateContract,
    ReturnedMoneyContract,
    UpdateContract,
)
from tests.gateways.serving import Merchant
from tests.gateways.yoco_bench import DECLINED_CARD, YocoBench, yoco_served


@pytest.fixture(scope="module")
def account() -> Iterator[GatewayAccount]:
    with yoco_served() as account:
        yield account


@pytest.fixture(scope="module")
def talkative_account() -> Iterator[GatewayAccount]:
    with yoco_served(sends_payment_failed=True) as account:
        yield account


@pytest.fixture
def bench(
    account: GatewayAccount, merchant: Merchant, transport: Transport, impatient_transport: Transport
) -> Iterator[YocoBench]:
    bench = YocoBench(account, merchant, transport, impatient_transport)
    yield bench
    bench.close()


class TestYoco(GatewayContract):
    pass


class TestYocoUpdates(UpdateContract, CurrencyContract, ModeContract):
    pass


class TestYocoOpening(OpeningContract):
    pass


class TestYocoQuestions(QuestionContract, PollContract, ReturnedMoneyContract):
    pass


class SecondTryBench(YocoBench):
    """A payer whose first card is declined, of which this Yoco tells."""

    def pay(self, reference: str) -> None:
        assert "declined" in self.press(reference, DECLINED_CARD).text
        super().pay(reference)


class TestYocoReordered(ReorderedUpdateContract):
    """The refusal of a payer's first card comes after the news that the second was charged."""

    @pytest.fixture
    def bench(
        self,
        talkative_account: GatewayAccount,
        merchant: Merchant,
        transport: Transport,
        impatient_transport: Transport,
    ) -> Iterator[Bench]:
        bench = SecondTryBench(talkative_account, merchant, transport, impatient_transport)
        yield bench
        bench.close()
