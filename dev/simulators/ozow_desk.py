"""What Ozow does with a request: check it, make it, tell how its tries stand, and move them.

No HTTP here. Where the documents are silent we chose, and the docstrings say so.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from dev.simulators.faults import Fault
from dev.simulators.ozow_book import Book, Config, PaymentRequest, Site, Transaction, now
from dev.simulators.ozow_courier import Courier
from dev.simulators.ozow_faults import FOREIGN_BASE, row
from dev.simulators.ozow_wire import Fields, RefusedError, check_fields, check_of

MOST_ROWS = 10

MESSAGES = {
    "Cancelled": "User cancelled transaction.",
    "Error": "The bank could not process the payment.",
    "Abandoned": "Transaction abandoned.",
    "PendingInvestigation": "The bank's answer was inconclusive.",
}
BEFORE_BANK = "User cancelled transaction before selecting bank."

Row = dict[str, Any]


class Desk:
    """Answers merchants from `book` and lets `courier` tell them what happens later."""

    def __init__(self, config: Config, book: Book, courier: Courier) -> None:
        self._config = config
        self._book = book
        self._courier = courier

    def request(self, fields: Fields, base_url: str, caller: Site | None = None) -> PaymentRequest:
        """Make a payment request. A reference that was used before makes another one: duplicates are allowed.

        Args:
            caller: the site whose API key came along; a browser's form has none.

        Raises:
            RefusedError: a field is not as the table wants it, or the hash is wrong.
        """
        check_fields(fields)
        site = self._config.sites.get(fields["SiteCode"])
        if site is None:
            raise RefusedError("SiteCode is not known.")
        if caller is not None and caller != site:
            raise RefusedError("SiteCode is not the one of this ApiKey.")
        if fields["HashCheck"].lower() != check_of(fields, site.private_key):
            raise RefusedError("HashCheck value has failed.")
        request = PaymentRequest(str(uuid.uuid4()), fields, base_url, now())
        self._book.add(request)
        return request

    def answer(self, site: Site, fields: Fields, base_url: str, fault: Fault | None) -> Row:
        """What a server call for a payment request is answered with."""
        try:
            request = self.request(fields, base_url, site)
        except RefusedError as refused:
            return {"paymentRequestId": None, "url": None, "errorMessage": str(refused)}
        url = request.url
        if fault is not None and fault.kind == "foreign_url":
            url = url.replace(base_url, fault.value or FOREIGN_BASE)
        return {"paymentRequestId": request.id, "url": url, "errorMessage": None}

    def by_reference(self, site: Site, reference: str, fault: Fault | None = None, *, is_test: bool) -> list[Row]:
        """The tries under a reference, newest first (our choice), at most ten. Test payments are found in test mode alone."""
        found = [
            (request, transaction)
            for request in self._of(site, is_test=is_test)
            if request.reference == reference
            for transaction in request.transactions
        ]
        found.sort(key=lambda pair: pair[1].created_at, reverse=True)
        return [row(request.row(tried), tried, fault, is_test=is_test) for request, tried in found[:MOST_ROWS]]

    def by_id(self, site: Site, transaction_id: str, *, is_test: bool) -> Row | None:
        for request in self._of(site, is_test=is_test):
            for transaction in request.transactions:
                if transaction.id == transaction_id.lower():
                    return request.row(transaction)
        return None

    def begin(self, request: PaymentRequest, bank: str) -> Transaction:
        """The payer picks a bank: a new try, unless the last one is still open."""
        newest = request.newest
        if newest is not None and newest.is_open:
            return newest
        transaction = request.begin(bank)
        self._book.save()
        return transaction

    def cancel(self, request: PaymentRequest) -> None:
        """The payer stops; before a bank was picked this is a try as well."""
        newest = request.newest
        if newest is None or not newest.is_open:
            self.move(request, request.begin(), "Cancelled", BEFORE_BANK)
        else:
            self.move(request, newest, "Cancelled")

    def move(self, request: PaymentRequest, transaction: Transaction, status: str, message: str = "") -> None:
        """Bring a try into `status`, whatever it was, and tell the merchant."""
        transaction.past.append(transaction.status)
        transaction.status = status
        transaction.message = message or MESSAGES.get(status, "")
        transaction.paid_at = now() if status == "Complete" else transaction.paid_at
        self._book.save()
        self._courier.post(request, transaction)

    def _of(self, site: Site, *, is_test: bool) -> Iterable[PaymentRequest]:
        return (each for each in self._book if each.fields["SiteCode"] == site.site_code and each.is_test is is_test)
