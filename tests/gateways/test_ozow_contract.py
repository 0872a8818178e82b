"""Ozow keeps the contract of all gateways, with real payments and with test payments."""

from collections.abc import Iterator

import pytest

from dev.simulators.ozow import build_app
from dev.simulators.ozow_book import Config
from gateways.base import GatewayAccount
from gateways.transport import Transport
from tests.gateways.contract import (
    CurrencyContract,
    GatewayContract,
    ModeContract,
    OpeningContract,
    PollContract,
    QuestionContract,
    ReorderedUpdateContract,
    UpdateContract,
)
from tests.gateways.ozow_bench import CREDENTIALS, SETTINGS, OzowBench
from tests.gateways.serving import Merchant, served


@pytest.fixture(scope="module")
def ozow_url() -> Iterator[str]:
    with served(build_app(Config.load(SETTINGS))) as url:
        yield url


@pytest.fixture(params=["false", "true"], ids=["live", "test"])
def bench(
    request: pytest.FixtureRequest, ozow_url: str, merchant: Merchant, transport: Transport, impatient_transport: Transport
) -> Iterator[OzowBench]:
    account = GatewayAccount(
        id="gwa_test",
        gateway="ozow",
        currency="ZAR",
        base_url=ozow_url,
        result_url=merchant.url,
        credentials={**CREDENTIALS, "is_test": request.param},
    )
    bench = OzowBench(account, merchant, transport, impatient_transport)
    yield bench
    bench.close()


class TestOzow(GatewayContract):
    pass


class TestOzowUpdates(UpdateContract, ReorderedUpdateContract, CurrencyContract, ModeContract):
    pass


class TestOzowOpening(OpeningContract):
    pass


class TestOzowQuestions(QuestionContract, PollContract):
    pass
