"""Posting entries to the ledger, and reading balances from it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.ids import Prefix
from domain.ledger import Account, Entry
from domain.money import Money
from persistence.columns import new_id
from persistence.models import LedgerEntryRow, LedgerPostingRow


def post(session: Session, entry: Entry, now: datetime) -> None:
    """Append an entry; the same cause twice breaks `uq_ledger_entries_tenant_id_cause_cause_id` and rolls everything back."""
    row = LedgerEntryRow(id=new_id(Prefix.LEDGER_ENTRY), cause=entry.cause.value, cause_id=entry.cause_id, posted_at=now)
    session.add(row)
    session.flush()
    session.add_all(
        LedgerPostingRow(
            entry_id=row.id,
            account=posting.account.value,
            amount=posting.amount.minor,
            currency=posting.amount.currency,
            customer_id=posting.customer_id,
            invoice_id=posting.invoice_id,
            gateway=posting.gateway,
        )
        for posting in entry.postings
    )
    session.flush()


def credits_of(session: Session, customer_ids: Collection[str]) -> dict[tuple[str, str], Money]:
    """The credit of each of these customers per currency: (customer id, currency) to an amount above zero."""
    held = func.sum(LedgerPostingRow.amount)
    statement = (
        select(LedgerPostingRow.customer_id, LedgerPostingRow.currency, held)
        .where(LedgerPostingRow.account == Account.CUSTOMER_CREDIT.value, LedgerPostingRow.customer_id.in_(list(customer_ids)))
        .group_by(LedgerPostingRow.customer_id, LedgerPostingRow.currency)
        .having(held < 0)
    )
    return {
        (customer_id, currency): Money(-int(amount), currency)
        for customer_id, currency, amount in session.execute(statement)
        if customer_id is not None
    }


def credit_of(session: Session, customer_id: str, currency: str) -> Money:
    """What a customer may still use of what was paid beyond all debts; lock the customer before it is used."""
    return credits_of(session, [customer_id]).get((customer_id, currency), Money.zero(currency))


def balances(session: Session, customer_id: str | None = None) -> dict[tuple[Account, str], Money]:
    """What each account holds per currency, of one customer or of all: debits positive."""
    statement = select(LedgerPostingRow.account, LedgerPostingRow.currency, func.sum(LedgerPostingRow.amount)).group_by(
        LedgerPostingRow.account, LedgerPostingRow.currency
    )
    if customer_id is not None:
        statement = statement.where(LedgerPostingRow.customer_id == customer_id)
    return {
        (Account(account), currency): Money(int(amount), currency) for account, currency, amount in session.execute(statement)
    }
