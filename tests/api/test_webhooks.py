"""The door that Paynow knocks on: what is signed is stored once, what is not is refused, and 200 means that it is kept."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from sqlalchemy import select

from api.webhooks import LARGEST_UPDATE_BYTES
from gateways.paynow_wire import encode_pairs, sign_pairs
from persistence.database import Database
from persistence.models import WebhookRow
from tests import factories
from tests.api.paying import KEY, deliver, signed, take_paynow
from tests.api.serving import is_problem


@dataclass(frozen=True)
class Awaited:
    """A payment that Paynow was asked for; `reference` is what its updates name."""

    tenant_id: str
    payment_id: str
    reference: str


@pytest.fixture
def awaited(database: Database) -> Awaited:
    tenant = factories.make_tenant(database)
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    return Awaited(tenant.id, payment.id, factories.make_attempt(database, tenant, payment).id)


def kept(database: Database, **facts: Any) -> list[WebhookRow]:
    """The rows of the inbox with these columns."""
    with database.system() as session:
        return list(session.scalars(select(WebhookRow).filter_by(**facts)))


def changed(body: bytes, **fields: str) -> bytes:
    return urlencode([(name, fields.get(name, value)) for name, value in parse_qsl(body.decode())]).encode()


async def test_a_signed_update_is_kept_as_it_came(lonely: httpx.AsyncClient, database: Database, awaited: Awaited) -> None:
    """With Temporal down: the answer waits for the inbox and for nothing else."""
    body = signed(awaited.reference)
    answer = await deliver(lonely, body)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    (row,) = kept(database, payment_id=awaited.payment_id)
    assert (row.body, row.verified, row.tenant_id) == (body, True, awaited.tenant_id)
    assert row.signalled_at is None


async def test_what_belongs_to_a_card_is_not_kept_of_an_update(
    lonely: httpx.AsyncClient, database: Database, awaited: Awaited
) -> None:
    secret = [("token", "5a538bc0-77e1"), ("tokenexpiry", "31Aug2027"), ("paymentinstrument", "4111111111111111")]
    pairs = [
        ("reference", awaited.reference),
        ("paynowreference", "15650999"),
        ("amount", "25.00"),
        ("status", "Paid"),
        *secret,
    ]
    body = encode_pairs(sign_pairs(pairs, KEY))
    for _ in range(2):
        assert (await deliver(lonely, body)).status_code == 200
    (row,) = kept(database, payment_id=awaited.payment_id)
    assert row.verified
    assert {name: value for name, value in parse_qsl(row.body.decode()) if name != "hash"} == {
        "reference": awaited.reference,
        "paynowreference": "15650999",
        "amount": "25.00",
        "status": "Paid",
        **{name: "withheld" for name, _ in secret},
    }


async def test_the_same_update_again_is_acknowledged_and_kept_once(
    lonely: httpx.AsyncClient, database: Database, awaited: Awaited
) -> None:
    for _ in range(3):
        assert (await deliver(lonely, signed(awaited.reference))).status_code == 200
    assert len(kept(database, payment_id=awaited.payment_id)) == 1


async def test_each_status_is_an_event_of_its_own(lonely: httpx.AsyncClient, database: Database, awaited: Awaited) -> None:
    for status in ("Created", "Sent", "Paid", "Sent"):
        assert (await deliver(lonely, signed(awaited.reference, status=status))).status_code == 200
    assert len(kept(database, payment_id=awaited.payment_id)) == 3


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda reference: signed(reference, key="3e9fed89-0000-4ce5-ab6e-6b1eb2d4f977"), id="another key"),
        pytest.param(lambda reference: signed(reference).rpartition(b"&hash=")[0], id="hash stripped"),
        pytest.param(lambda reference: signed(reference).rpartition(b"&hash=")[0] + b"&hash=", id="hash emptied"),
        pytest.param(lambda reference: signed(reference) + b"&paymentchannel=Ecocash", id="field added"),
        pytest.param(lambda reference: changed(signed(reference), amount="0.01"), id="amount changed"),
        pytest.param(lambda reference: changed(signed(reference, status="Sent"), status="Paid"), id="status changed"),
        pytest.param(lambda reference: signed(reference) + b"&hash=" + b"0" * 128, id="a second hash"),
    ],
)
async def test_what_is_not_signed_with_the_accounts_key_is_refused_and_not_kept(
    lonely: httpx.AsyncClient, database: Database, awaited: Awaited, forge: Any
) -> None:
    refused = is_problem(await deliver(lonely, forge(awaited.reference)), 401)
    assert refused["type"] == "urn:dunlin:problem:bad-signature"
    assert kept(database, payment_id=awaited.payment_id) == []
    assert kept(database, tenant_id=awaited.tenant_id) == []


async def test_a_forgery_before_the_true_update_does_not_take_its_place(
    lonely: httpx.AsyncClient, database: Database, awaited: Awaited
) -> None:
    is_problem(await deliver(lonely, signed(awaited.reference, key="guessed")), 401)
    assert (await deliver(lonely, signed(awaited.reference))).status_code == 200
    assert len(kept(database, payment_id=awaited.payment_id)) == 1


async def test_one_tenants_key_signs_nothing_for_another(
    lonely: httpx.AsyncClient, database: Database, awaited: Awaited
) -> None:
    theirs = "11111111-2222-3333-4444-555555555555"
    take_paynow(database, factories.make_tenant(database), theirs)
    is_problem(await deliver(lonely, signed(awaited.reference, key=theirs)), 401)
    assert kept(database, payment_id=awaited.payment_id) == []


async def test_a_reference_that_nobody_knows_is_kept_for_a_person_and_paynow_is_content(
    lonely: httpx.AsyncClient, database: Database
) -> None:
    tenant = factories.make_tenant(database)
    key = f"66666666-7777-8888-9999-{tenant.id[-12:]}"
    take_paynow(database, tenant, key)
    body = signed(f"gtx_lost_{tenant.id}", key=key)
    for _ in range(2):
        assert (await deliver(lonely, body)).status_code == 200
    (row,) = kept(database, body=body)
    assert (row.verified, row.tenant_id, row.payment_id) == (True, tenant.id, None)


async def test_an_unknown_reference_that_nobody_signed_is_kept_as_unverified(
    lonely: httpx.AsyncClient, database: Database, awaited: Awaited
) -> None:
    body = signed(f"gtx_lost_{awaited.tenant_id}", key="nobody's")
    assert (await deliver(lonely, body)).status_code == 200
    (row,) = kept(database, body=body)
    assert (row.verified, row.tenant_id, row.payment_id) == (False, None, None)
    assert row.event_key.startswith("unverified:")


async def test_a_gateway_that_we_do_not_have_is_not_found(lonely: httpx.AsyncClient) -> None:
    refused = is_problem(await deliver(lonely, signed("gtx_1"), gateway="paypal"), 404)
    assert "paynow" in refused["detail"], "it says which there are"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"status=Paid",
        b"reference=gtx_1&status=Paid",
        b"\xff\xfe",
        b'{"reference": "gtx_1"}',
        b"reference=gtx_1&reference=gtx_2&paynowreference=1&status=Paid",
        b"&".join(b"field%d=1" % number for number in range(101)),
    ],
)
async def test_what_is_no_update_is_refused(lonely: httpx.AsyncClient, body: bytes) -> None:
    assert is_problem(await deliver(lonely, body), 400)["type"] == "urn:dunlin:problem:malformed-update"


@pytest.mark.parametrize("reference", ["\x00", "gtx_\x00", "r" * 5000])
async def test_a_reference_that_no_database_can_hold_is_not_an_error_of_ours(lonely: httpx.AsyncClient, reference: str) -> None:
    assert (await deliver(lonely, signed(reference))).status_code in {200, 400}


async def test_an_update_larger_than_any_is_not_read(lonely: httpx.AsyncClient, database: Database) -> None:
    large = signed("gtx_large").ljust(65 * 1024, b"a")
    assert "65536 bytes" in is_problem(await deliver(lonely, large), 413)["detail"]
    assert kept(database, body=large) == []
    fits = signed("gtx_large").ljust(LARGEST_UPDATE_BYTES, b"a")
    assert (await deliver(lonely, fits)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_the_door_takes_posts_only(lonely: httpx.AsyncClient, method: str) -> None:
    refused = await lonely.request(method, "/webhooks/paynow")
    is_problem(refused, 405)
    assert refused.headers["allow"] == "POST"
