"""The gateways that a stack simulates: their ports, the accounts that each knows, and the variables that lead Dunlin to them.

Accounts are made once a stack and kept in its directory; each simulator is started with a file that also says where we are.
"""

import base64
import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.registry import write_private

USUAL_PORTS = {"paynow": 9101, "yoco": 9102, "payfast": 9103, "ozow": 9104}

_CURRENCIES = ("USD", "ZWG")
# A simulated payer answers in a fiftieth of the time that a person with a phone takes.
_DELAY_SCALE = 0.02


@dataclass(frozen=True)
class SimulatedGateways:
    """The simulators of one stack.

    Attributes:
        accounts: what each gateway issued to the businesses of this stack, by gateway.
    """

    state: Path
    accounts: Mapping[str, dict[str, Any]]

    @classmethod
    def of(cls, state: Path) -> "SimulatedGateways":
        """The ones of this directory, with accounts made on first use."""
        return cls(state, {name: _kept(state / f"{name}.json", make) for name, make in _MAKERS.items()})

    def credentials(self) -> dict[str, dict[str, Any]]:
        """What `stack.json` says: the first account of each gateway, and all of Paynow's integrations."""
        integrations = self.accounts["paynow"]["integrations"]
        paynow = {"integration_id": integrations[0]["id"], "integration_key": integrations[0]["key"]}
        return {
            "paynow": paynow | {"integrations": integrations},
            "yoco": self.accounts["yoco"]["accounts"][0],
            "payfast": self.accounts["payfast"]["merchants"][0],
            "ozow": self.accounts["ozow"]["sites"][0],
        }

    def settings(self, urls: Mapping[str, str], app_url: str) -> dict[str, str]:
        """The variables that lead Dunlin to the simulators; the South African accounts are the seed's to enter."""
        first = self.accounts["paynow"]["integrations"][0]
        return {
            "PAYNOW_API_URL": urls["paynow"],
            "PAYNOW_RESULT_URL": f"{app_url}/webhooks/paynow",
            "PAYNOW_INTEGRATION_ID": first["id"],
            "PAYNOW_INTEGRATION_KEY": first["key"],
            "PAYNOW_CURRENCY": first["currency"],
            "YOCO_API_URL": f"{urls['yoco']}/api",
            "PAYFAST_URL": urls["payfast"],
            "PAYFAST_API_URL": urls["payfast"],
            "PAYFAST_SOURCES": "127.0.0.1",
            "OZOW_API_URL": urls["ozow"],
        }

    def command(self, python: str, name: str, host: str, port: int, app_url: str) -> list[str]:
        """What starts a simulator; its configuration is written here, because our own address may be another each time."""
        config = json.loads(json.dumps(self.accounts[name]))
        if name == "yoco":
            for account in config["accounts"]:
                account["webhook_url"] = f"{app_url}/webhooks/yoco"
        file = self.state / f"{name}.config.json"
        write_private(file, json.dumps(config, indent=1))
        where = ["--host", host, "--port", str(port), "--state-dir", str(self.state / name), "--config", str(file)]
        return [python, "-m", f"dev.simulators.{name}", *where]


def _new_paynow() -> dict[str, Any]:
    """Paynow gives a merchant one integration for each currency: a number and a key in the form of a UUID."""
    first = 10_000 + secrets.randbelow(80_000)
    integrations = [
        {"id": str(first + number), "key": str(uuid.uuid4()), "currency": currency}
        for number, currency in enumerate(_CURRENCIES)
    ]
    return {"integrations": integrations, "delay_scale": _DELAY_SCALE}


def _new_yoco() -> dict[str, Any]:
    webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    account = {"secret_key": f"sk_test_{secrets.token_hex(16)}", "webhook_secret": webhook_secret}
    return {"accounts": [account], "delay_scale": _DELAY_SCALE}


def _new_payfast() -> dict[str, Any]:
    merchant = {
        "merchant_id": str(10_000_000 + secrets.randbelow(80_000_000)),
        "merchant_key": secrets.token_hex(7)[:13],
        "passphrase": secrets.token_hex(8),
    }
    return {"merchants": [merchant], "delay_scale": _DELAY_SCALE}


def _new_ozow() -> dict[str, Any]:
    site = {
        "site_code": f"TST-{secrets.token_hex(3).upper()}",
        "private_key": secrets.token_hex(16).upper(),
        "api_key": secrets.token_hex(16).upper(),
    }
    return {"sites": [site], "delay_scale": _DELAY_SCALE}


_MAKERS: dict[str, Callable[[], dict[str, Any]]] = {
    "paynow": _new_paynow,
    "yoco": _new_yoco,
    "payfast": _new_payfast,
    "ozow": _new_ozow,
}


def _kept(file: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The JSON in `file`, made on first use."""
    if not file.exists():
        write_private(file, json.dumps(make(), indent=1))
    return dict(json.loads(file.read_text(encoding="utf-8")))
