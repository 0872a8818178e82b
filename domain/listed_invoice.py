"""A line of a letter that lists several invoices of one customer."""

from dataclasses import dataclass
from datetime import date

from domain.money import Money
from domain.web_address import require_web_address


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """A line of a letter about several invoices.

    Attributes:
        amount: what is still due of it.
        days_overdue: whole days since the due day; 0 is the due day itself, less than 0 is still to come.
        invoice_link: the page on which this one alone is paid.

    Raises:
        InvalidInputError: `invoice_link` leads nowhere.
    """

    invoice_number: str
    amount: Money
    due_on: date
    days_overdue: int
    invoice_link: str

    def __post_init__(self) -> None:
        require_web_address("invoice_link", self.invoice_link)
