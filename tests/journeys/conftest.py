"""One stack for all stories of this folder, and a business on it that no other story uses."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from dev.blueprint import ROOT, Blueprint
from dev.stack import Stack
from tests.journeys.business import Shop

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("journeys") / "stack")
    running.up()
    yield running
    running.down()


@pytest.fixture(scope="session")
def open_shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Shop]]:
    """Make a tenant with customers, as an operator would: by the commands of `manage.py`."""
    environment = Blueprint.of(stack.state).environment()
    clients: list[httpx.Client] = []

    def manage(*arguments: str) -> str:
        command = [sys.executable, "-m", "manage", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(customers: int) -> Shop:
        slug = f"shop-{next(_numbers)}"
        files = tmp_path_factory.mktemp(slug)
        token = manage("create-tenant", f"--slug={slug}", *_FACTS).splitlines()[-1]
        integration = _integration(stack.describe(), "USD")
        manage(
            "set-paynow",
            f"--tenant={slug}",
            "--currency=USD",
            f"--integration-id={integration['id']}",
            f"--integration-key={integration['key']}",
        )
        (files / "plans.csv").write_text(
            "code,name,price,currency,interval_months,tax_percent,prorated\nPOS,Till,20.00,USD,1,0,no\n"
        )
        rows = [f"C{number},Customer {number},c{number}@{slug}.example,,POS,1,2026-01-01," for number in range(customers)]
        header = "reference,name,email,phone,plan,quantity,starts_on,ends_on"
        (files / "customers.csv").write_text("\n".join([header, *rows]) + "\n")
        manage("import", f"--tenant={slug}", f"--plans={files / 'plans.csv'}", f"--customers={files / 'customers.csv'}")
        client = httpx.Client(base_url=stack.describe()["api"], headers={"Authorization": f"Bearer {token}"}, timeout=60)
        clients.append(client)
        return Shop(stack, slug, client)

    yield make
    for client in clients:
        client.close()


_FACTS = (
    "--name=A Shop",
    "--currency=USD",
    "--time-zone=Africa/Harare",
    "--invoice-prefix=SHOP-",
    "--sender-email=billing@shop.example",
    "--contact-email=help@shop.example",
    "--address-line=Bulawayo, Zimbabwe",
    "--portal-url=https://shop.example",
)


def _integration(description: dict[str, Any], currency: str) -> dict[str, str]:
    integrations = description["credentials"]["paynow"]["integrations"]
    return next(one for one in integrations if one["currency"] == currency)
