"""A server in Yoco's place that answers what a test tells it to: for answers that the simulator never gives."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fastapi import FastAPI, Request, Response

from domain.money import Money
from domain.payment import PaymentMethod
from gateways.base import CheckoutRequest, GatewayAccount
from tests.gateways.serving import served

SECRET_KEY = "sk_live_960bfde0VBrLlpK098e4ffeb53e1"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

ACCOUNT = GatewayAccount(
    id="gwa_1",
    gateway="yoco",
    currency="ZAR",
    base_url="https://payments.yoco.com/api",
    result_url="https://billing.example.com/webhooks/yoco",
    credentials={"secret_key": SECRET_KEY, "webhook_secret": WEBHOOK_SECRET},
)
REQUEST = CheckoutRequest(
    reference="pay_01h455vb4pex5vsknk084sn02q",
    trace="gtx_01h455vb4pex5vsknk084sn02q",
    amount=Money(149_50, "ZAR"),
    method=PaymentMethod.YOCO,
    description="Invoice CB-000012",
    return_url="https://billing.example.com/pay/abc",
    email="parent@example.com",
)
CHECKOUT = {
    "id": "ch_9LVKD8GnAj7f39DFbn4F16bE",
    "redirectUrl": "https://c.yoco.com/checkout/ch_9LVKD8GnAj7f39DFbn4F16bE",
    "status": "created",
    "amount": 14950,
    "currency": "ZAR",
    "paymentId": None,
    "processingMode": "live",
    "externalId": REQUEST.reference,
}


@dataclass(slots=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Script:
    """What the server says next, the last answer for ever, and what it was asked.

    Attributes:
        account: of a live key, at this server.
    """

    account: GatewayAccount
    answers: list[Response] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def says(self, status: int, body: object = "", **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.answers.append(Response(text, status, {name.replace("_", "-"): value for name, value in headers.items()}))


@contextmanager
def scripted() -> Iterator[Script]:
    """A script that plays."""
    script = Script(ACCOUNT)
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def play(request: Request) -> Response:
        script.seen.append(Seen(request.method, request.url.path, dict(request.headers), await request.body()))
        return script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]

    with served(app) as url:
        script.account = replace(ACCOUNT, base_url=f"{url}/api")
        yield script
