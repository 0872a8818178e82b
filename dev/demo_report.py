"""The demo's closing table, counted from the API, and the checks that would fail the run."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from rich.table import Table

from dev.demo_business import Business, until
from domain.money import Money
from persistence import checks, tenants
from persistence.database import Database
from wording import write_money

_PAGE = 500
# Every way that the demo shows.
_ALL_WAYS = {"Paynow", "Card (Yoco)", "PayFast", "Instant EFT (Ozow)", "Bank Transfer", "Cash"}


@dataclass(frozen=True, slots=True)
class Row:
    """What happened at one business."""

    business: str
    invoiced: int
    amount: str
    paid: int
    voided: int
    written_off: int
    collected: str
    payments: dict[str, int]
    credit: str
    fees: str
    reminded: int
    overdue_notices: int
    final_warnings: int
    suspended: int
    reactivated: int
    still_suspended: int
    mails_sent: int

    def counted(self) -> dict[str, Any]:
        return asdict(self)


async def tally(business: Business) -> Row:
    """Count what the business's API tells."""
    await _reactivated(business)
    await business.load_invoices()
    sent = Counter([item["letter"] async for item in business.all("/api/messages") if item["status"] == "SENT"])
    currency = business.invoices[0]["total"]["currency"]
    total = sum(invoice["total"]["minor"] for invoice in business.invoices)
    states = Counter(str(invoice["state"]) for invoice in business.invoices)
    settled = [payment async for payment in business.all("/api/payments?status=SETTLED")]
    return Row(
        business=business.slug,
        invoiced=len(business.invoices),
        amount=write_money(Money(total, currency), "en"),
        paid=states["PAID"],
        voided=states["VOID"],
        written_off=states["WRITTEN_OFF"],
        collected=write_money(Money(sum(payment["allocated"]["minor"] for payment in settled), currency), "en"),
        payments=dict(sorted(Counter(_way(payment) for payment in settled).items())),
        credit=write_money(Money(sum(payment["credited"]["minor"] for payment in settled), currency), "en"),
        fees=write_money(Money(sum(_fee(payment) for payment in settled), currency), "en"),
        reminded=sent["payment_reminder"],
        overdue_notices=sent["overdue_notice"],
        final_warnings=sent["final_warning"],
        suspended=sent["suspension_notice"],
        reactivated=sent["reactivation_confirmation"],
        still_suspended=await business.count_suspended(),
        mails_sent=sent.total(),
    )


def _way(payment: dict[str, Any]) -> str:
    """The gateway that a payment came by, or how staff recorded it."""
    return (
        str(payment["method"]).partition("_")[0].title() if payment["method"].startswith("PAYNOW") else payment["method_name"]
    )


def _fee(payment: dict[str, Any]) -> int:
    return int(payment["fee"]["minor"]) if payment["fee"] else 0


def outcome_table(rows: list[Row]) -> Table:
    """The table that the demo ends with."""
    table = Table(title="What happened")
    table.add_column("")
    for row in rows:
        table.add_column(row.business, justify="right")
    for name in list(rows[0].counted())[1:]:
        if name == "payments":
            for way in sorted({way for row in rows for way in row.payments}):
                table.add_row(f"  by {way}", *(str(row.payments.get(way, 0)) for row in rows))
            continue
        table.add_row(name.replace("_", " "), *(str(row.counted()[name]) for row in rows))
    return table


async def find_faults(addresses: dict[str, Any], businesses: list[Business], rows: list[Row]) -> list[str]:
    """Everything that must hold and does not; empty when all is well."""
    faults = _broken_books(addresses["database_url"])
    faults += await _broken_post(addresses["inbox"], rows)
    for business, row in zip(businesses, rows, strict=True):
        if row.invoiced != business.run["issued"]:
            faults.append(f"{business.slug}: the run says {business.run['issued']} invoices, the list has {row.invoiced}.")
        if row.still_suspended != row.suspended - row.reactivated:
            faults.append(
                f"{business.slug}: {row.suspended} suspended and {row.reactivated} reactivated leave {row.still_suspended}."
            )
        if not (row.paid and row.reminded and row.suspended and row.reactivated and row.voided):
            faults.append(f"{business.slug}: the story left something out: {row}.")
    ways = {way for row in rows for way in row.payments}
    if not ways >= _ALL_WAYS:
        faults.append(f"Nobody paid by {', '.join(sorted(_ALL_WAYS - ways))}.")
    return faults


def _broken_books(database_url: str) -> list[str]:
    """The invariants that `python -m manage check` proves, for each business by itself and for both together."""
    database = Database(database_url)
    faults = []
    with database.system() as session:
        faults += [f"{finding.check}: {', '.join(finding.rows)}" for finding in checks.run(session)]
        tenant_ids = tenants.all_ids(session)
    for tenant_id in tenant_ids:
        with database.tenant(tenant_id) as session:
            faults += [f"{tenant_id}: {finding.check}: {', '.join(finding.rows)}" for finding in checks.run(session)]
    database.close()
    return faults


async def _broken_post(inbox: str, rows: list[Row]) -> list[str]:
    """One mail per step: as many mails lie in the inbox as the logs say, and no Message-ID twice."""
    ids: list[str] = []
    async with httpx.AsyncClient(base_url=inbox, timeout=60) as client:
        while True:
            page = (await client.get("/api/v1/messages", params={"start": len(ids), "limit": _PAGE})).json()
            ids += [message["MessageID"] for message in page["messages"]]
            if len(ids) >= page["total"] or not page["messages"]:
                break
    sent = sum(row.mails_sent for row in rows)
    faults = [f"The inbox has {identity} {count} times." for identity, count in Counter(ids).items() if count > 1]
    if len(ids) != sent:
        faults.append(f"The logs say that {sent} mails were sent, the inbox has {len(ids)}.")
    return faults


async def _reactivated(business: Business) -> None:
    """Until every customer whose overdue invoices are all paid is back: seconds, but not the same instant."""

    async def look() -> bool:
        held = {item["id"] async for item in business.all("/api/customers") if item["billing_status"] == "SUSPENDED"}
        owing = {invoice["customer_id"] async for invoice in business.all("/api/invoices?state=OPEN")}
        return held <= owing

    await until(look, f"the customers of {business.slug} to be let back in")
    await business.wait_for_letters()
