"""The Paynow simulator over real HTTP, one for all tests of the session, and a merchant's server for each."""

from collections.abc import Iterator

import pytest

from dev.simulators.paynow import build_app
from dev.simulators.paynow_book import Config
from gateways.base import GatewayAccount
from gateways.transport import Transport
from tests.gateways.paynow_bench import PAYNOW_ID, PAYNOW_KEY
from tests.gateways.serving import Merchant, served


@pytest.fixture(scope="session")
def paynow_url() -> Iterator[str]:
    integrations = [{"id": PAYNOW_ID, "key": PAYNOW_KEY, "currency": "USD"}]
    with served(build_app(Config.load({"integrations": integrations, "delay_scale": 0.01}))) as url:
        yield url


@pytest.fixture(scope="session")
def transport() -> Iterator[Transport]:
    with Transport() as transport:
        yield transport


@pytest.fixture(scope="session")
def impatient_transport() -> Iterator[Transport]:
    with Transport(timeout_seconds=0.5, connect_seconds=0.5) as transport:
        yield transport


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    merchant = Merchant()
    yield merchant
    merchant.close()


@pytest.fixture
def paynow_account(paynow_url: str, merchant: Merchant) -> GatewayAccount:
    return GatewayAccount(
        id="gwa_test",
        gateway="paynow",
        currency="USD",
        base_url=paynow_url,
        result_url=merchant.url,
        credentials={"integration_id": PAYNOW_ID, "integration_key": PAYNOW_KEY},
    )
