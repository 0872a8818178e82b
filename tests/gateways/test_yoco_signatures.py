"""Whose events are believed: those that the account's own webhook secret signed within three minutes, byte for byte."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import InvalidInputError
from domain.payment import Outcome
from gateways.base import BadSignatureError, GatewayAccount, Inbound
from gateways.transport import Transport
from gateways.yoco import Yoco
from tests.gateways.yoco_events import NOW, PAYMENT, body_of, sent, signature
from tests.gateways.yoco_script import ACCOUNT, SECRET_KEY, WEBHOOK_SECRET

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = body_of(PAYMENT)


@pytest.fixture
def yoco(transport: Transport) -> Yoco:
    return Yoco(transport)


def with_secret(secret: str) -> GatewayAccount:
    return replace(ACCOUNT, credentials={"secret_key": SECRET_KEY, "webhook_secret": secret})


def with_headers(headers: Mapping[str, str | None]) -> Inbound:
    inbound = sent(BODY)
    merged = {**inbound.headers, **headers}
    return replace(inbound, headers={name: value for name, value in merged.items() if value is not None})


def refused(yoco: Yoco, inbound: Inbound, account: GatewayAccount = ACCOUNT) -> str:
    with pytest.raises(BadSignatureError, match="gwa_1") as raised:
        yoco.verify_update(account, inbound)
    assert not [secret for secret in account.credentials.values() if secret in str(raised.value)]
    return str(raised.value)


def test_an_event_that_the_library_signed_is_accepted(yoco: Yoco) -> None:
    assert yoco.verify_update(ACCOUNT, sent(BODY)).outcome is Outcome.PAID


def test_an_event_that_differs_by_one_byte_anywhere_is_refused(yoco: Yoco) -> None:
    inbound = sent(BODY)
    for place in range(0, len(BODY), 7):
        touched = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        refused(yoco, replace(inbound, body=touched))


@pytest.mark.parametrize(
    "body", [json.dumps(PAYMENT).encode(), BODY + b"\n", BODY.replace(b"/", b"\\/") + b" ", b"\xef\xbb\xbf" + BODY]
)
def test_the_same_json_in_other_bytes_is_refused(yoco: Yoco, body: bytes) -> None:
    refused(yoco, replace(sent(BODY), body=body))


@pytest.mark.parametrize("seconds", [0, 179, 180, -179, -180])
def test_an_event_may_be_three_minutes_old_or_early(yoco: Yoco, seconds: int) -> None:
    assert yoco.verify_update(ACCOUNT, sent(BODY, late=timedelta(seconds=seconds))).outcome is Outcome.PAID


@pytest.mark.parametrize("seconds", [181, 300, 86_400, -181, -300])
def test_an_event_that_is_older_or_newer_is_refused(yoco: Yoco, seconds: int) -> None:
    assert "3 minutes" in refused(yoco, sent(BODY, late=timedelta(seconds=seconds)))


def test_an_event_signed_with_another_secret_is_refused(yoco: Yoco) -> None:
    refused(yoco, sent(BODY, signature(BODY, OTHER_SECRET)))
    refused(yoco, sent(BODY), with_secret(OTHER_SECRET))


def test_while_secrets_change_either_may_have_signed(yoco: Yoco) -> None:
    both = with_secret(f"{OTHER_SECRET}\n {WEBHOOK_SECRET} ")
    for secret in (OTHER_SECRET, WEBHOOK_SECRET):
        assert yoco.verify_update(both, sent(BODY, signature(BODY, secret))).outcome is Outcome.PAID


@pytest.mark.parametrize(
    "around",
    ["{0} {1}", "{1} {0}", "v2,AAAA {1} v1a,BBBB {0}", "v1 {0}", "v1,, {0}", "{0},x {0}", "garbage  {0}  ", "v1,é {0}"],
)
def test_any_of_several_signatures_will_do_and_what_else_is_there_does_not_matter(yoco: Yoco, around: str) -> None:
    signatures = around.format(signature(BODY), signature(BODY, OTHER_SECRET))
    assert yoco.verify_update(ACCOUNT, sent(BODY, signatures)).outcome is Outcome.PAID


@pytest.mark.parametrize(
    "make",
    [
        lambda right: right.removeprefix("v1,"),
        lambda right: right.replace("v1,", "v2,"),
        lambda right: right.replace("v1,", "v1a,"),
        lambda right: right.replace("v1,", "V1,"),
        lambda right: right[:-1],
        lambda right: right.lower(),
        lambda right: f"v1,{right}",
        lambda right: "v1,AAAA " * 1000 + right,
    ],
)
def test_a_header_without_the_right_signature_is_refused(yoco: Yoco, make: Callable[[str], str]) -> None:
    refused(yoco, sent(BODY, make(signature(BODY))))


@pytest.mark.parametrize("signatures", ["v1,", "v1", " ", "v1,\u00ff", "v1,\ud800", "," * 4096])
def test_a_header_of_something_else_is_refused(yoco: Yoco, signatures: str) -> None:
    refused(yoco, sent(BODY, signatures))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_an_event_without_one_of_its_headers_is_refused(yoco: Yoco, name: str, value: str | None) -> None:
    assert name in refused(yoco, with_headers({name: value}))


@pytest.mark.parametrize(
    "stamp",
    ["now", "-1", "1e9", "1783326600.0", "+1783326600", " 1783326600", "01783326600", "9" * 30, "9" * 5000, "٣" * 10, "0"],
)
def test_a_time_that_is_none_is_refused(yoco: Yoco, stamp: str) -> None:
    refused(yoco, with_headers({"webhook-timestamp": stamp}))


@pytest.mark.parametrize("message_id", ["evt_other", "evt_sample ", "e" * 5000, "é", "a.b", "\n"])
def test_an_id_that_was_not_signed_is_refused(yoco: Yoco, message_id: str) -> None:
    refused(yoco, with_headers({"webhook-id": message_id}))


def test_a_signed_text_cannot_be_cut_in_another_place(yoco: Yoco) -> None:
    """`id.time.body` is signed: bytes moved from the body into the id would leave the same text."""
    inner = f".{int(NOW.timestamp())}.".encode()
    whole = b'{"first":1}' + inner + BODY
    moved = sent(BODY, signature(whole))
    refused(yoco, replace(moved, headers={**moved.headers, "webhook-id": f'evt_sample.{int(NOW.timestamp())}.{{"first":1}}'}))


def test_a_body_that_is_not_text_is_refused(yoco: Yoco) -> None:
    refused(yoco, replace(sent(BODY), body=b"\xff\xfe" + BODY))


def test_an_event_may_have_another_id_than_its_message(yoco: Yoco) -> None:
    inbound = sent(BODY, signature(BODY, message_id="msg_1"))
    told = replace(inbound, headers={**inbound.headers, "webhook-id": "msg_1"})
    assert yoco.verify_update(ACCOUNT, told).outcome is Outcome.PAID
    assert yoco.read_update(told).event_key == "evt_sample"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a", "whsec_é", f"{WEBHOOK_SECRET} whsec_b"])
def test_a_secret_that_yoco_cannot_have_shown_is_named(yoco: Yoco, secret: str) -> None:
    with pytest.raises(InvalidInputError, match="gwa_1") as raised:
        yoco.verify_update(with_secret(secret), sent(BODY))
    assert raised.value.field == "webhook_secret"
