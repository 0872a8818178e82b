"""Money that is at a gateway for certain and for no payment of ours: a simulator, a tenant with an account at it, a payer."""

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from dev.simulators import ozow, ozow_book, payfast, payfast_book, paynow, paynow_book
from domain.customer import Tenant
from domain.payment import PaymentMethod
from gateways.base import CheckoutRequest, GatewayAccount
from gateways.transport import Transport
from persistence import reviews, tenants
from persistence.database import Database
from persistence.reviews import Review
from tests import factories
from tests.gateways.bench import Bench
from tests.gateways.ozow_bench import OzowBench
from tests.gateways.payfast_bench import PayfastBench
from tests.gateways.paynow_bench import PaynowBench
from tests.gateways.serving import Merchant, Posted, served
from tests.gateways.yoco_bench import YocoBench, yoco_served


@dataclass(frozen=True)
class Lost:
    """A tenant, and the bench of its gateway; no other tenant has its key.

    Attributes:
        settings: where the API finds the gateway.
    """

    database: Database
    tenant: Tenant
    bench: Bench
    settings: Mapping[str, Any]

    @property
    def gateway(self) -> str:
        return self.bench.account.gateway

    def paid(self, ending: str = "") -> tuple[CheckoutRequest, Posted]:
        """What a payer paid under a reference that we do not know (any more), and the update that tells of it."""
        asked = self.bench.request()
        # As the house asks: its reference is its trace.
        request = replace(asked, reference=asked.trace + ending, trace=asked.trace + ending)
        self.bench.open(request)
        self.bench.pay(request.reference)
        return request, self.bench.updates(request.reference)[0]

    def questions(self) -> list[Review]:
        with self.database.tenant(self.tenant.id) as session:
            return reviews.unresolved(session, after=None, limit=50)


@contextmanager
def lost_at(database: Database, gateway: str) -> Iterator[Lost]:
    """A tenant whose gateway is a simulator of its own."""
    with Transport() as transport:
        merchant = Merchant()
        try:
            with _BENCHES[gateway](merchant, transport) as (bench, settings):
                tenant = factories.make_tenant(database, currency=bench.account.currency)
                with database.system() as system:
                    account = bench.account
                    tenants.put_account(
                        system,
                        factories.BOX,
                        tenant.id,
                        gateway,
                        account.currency,
                        dict(account.credentials),
                        factories.NOW,
                    )
                yield Lost(database, tenant, bench, settings)
                bench.close()
        finally:
            merchant.close()


@contextmanager
def _paynow(merchant: Merchant, transport: Transport) -> Iterator[tuple[Bench, Mapping[str, Any]]]:
    number, key = str(secrets.randbelow(10**6)), secrets.token_hex(16)
    book = paynow_book.Config.load({"integrations": [{"id": number, "key": key, "currency": "USD"}], "delay_scale": 0.01})
    with served(paynow.build_app(book)) as url:
        account = _account("paynow", "USD", url, merchant, {"integration_id": number, "integration_key": key})
        yield PaynowBench(account, merchant, PaymentMethod.PAYNOW_VISA, transport, transport), {"paynow_api_url": url}


@contextmanager
def _yoco(merchant: Merchant, transport: Transport) -> Iterator[tuple[Bench, Mapping[str, Any]]]:
    with yoco_served() as account:
        yield YocoBench(account, merchant, transport, transport), {"yoco_api_url": account.base_url}


@contextmanager
def _payfast(merchant: Merchant, transport: Transport) -> Iterator[tuple[Bench, Mapping[str, Any]]]:
    number = str(10**7 + secrets.randbelow(10**6))
    own = {"merchant_id": number, "merchant_key": secrets.token_hex(7), "passphrase": secrets.token_hex(8)}
    book = payfast_book.Config.load({"merchants": [own], "delay_scale": 0.0001})
    with served(payfast.build_app(book)) as url:
        settings = {"payfast_url": url, "payfast_api_url": url, "payfast_sources": "127.0.0.1"}
        yield PayfastBench(_account("payfast", "ZAR", url, merchant, own), merchant, transport, transport), settings


@contextmanager
def _ozow(merchant: Merchant, transport: Transport) -> Iterator[tuple[Bench, Mapping[str, Any]]]:
    own = {
        "site_code": "LOST",
        "private_key": secrets.token_hex(14),
        "api_key": base64.b16encode(secrets.token_bytes(14)).decode(),
    }
    with served(ozow.build_app(ozow_book.Config.load({"sites": [own], "delay_scale": 0.01}))) as url:
        account = _account("ozow", "ZAR", url, merchant, own)
        yield OzowBench(account, merchant, transport, transport), {"ozow_api_url": url}


def _account(gateway: str, currency: str, url: str, merchant: Merchant, credentials: dict[str, str]) -> GatewayAccount:
    return GatewayAccount(
        id="gwa_lost",
        gateway=gateway,
        currency=currency,
        base_url=url,
        result_url=merchant.url,
        credentials=credentials,
        update_sources=("127.0.0.1",) if gateway == "payfast" else (),
    )


_BENCHES = {"paynow": _paynow, "yoco": _yoco, "payfast": _payfast, "ozow": _ozow}
