"""A letter about several invoices has one button: a link for all that the customer owes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.payment_link import LONGEST_LIFE, LinkStatus, LinkType, PaymentLink
from persistence import link_details
from persistence.database import Database
from tests import factories
from tests.activities.letter_desk import LetterDesk, open_desk
from tests.factories import EVERY_DAY
from tests.linking import make_link

LADDER = ("0-remind", "1-overdue_notice", "2-overdue_notice", "3-final_warning")


@pytest.fixture
def desk(database: Database) -> Iterator[LetterDesk]:
    policy = replace(EVERY_DAY, one_letter_a_day=True)
    with open_desk(database, factories.make_tenant(database, dunning_policy=policy.to_data())) as desk:
        yield desk


def links_for_all(desk: LetterDesk) -> list[PaymentLink]:
    with desk.session() as session:
        found = link_details.page(session, after=None, limit=100, customer_id=desk.customer.id)
    return [detail.link for detail in found if detail.link.type is LinkType.OUTSTANDING]


def test_a_letter_about_several_has_a_link_that_outlives_the_ladder(desk: LetterDesk) -> None:
    first, _ = desk.invoices(2)
    letter = desk.claim(first, LADDER[1])
    (link,) = links_for_all(desk)
    assert (link.status, link.created_by) == (LinkStatus.ACTIVE, "system")
    assert (link.customer_id, link.currency) == (desk.customer.id, "USD")
    assert link.expires_at == letter.queued_at + LONGEST_LIFE


def test_the_letters_of_one_ladder_share_it(desk: LetterDesk) -> None:
    first, _ = desk.invoices(2)
    for key in LADDER:
        desk.take(first, key)
    assert len(links_for_all(desk)) == 1


@pytest.mark.parametrize(("days", "open_then"), [(7, 2), (366, 1)])
def test_a_link_of_staff_serves_unless_it_ends_soon(desk: LetterDesk, days: int, open_then: int) -> None:
    first, _ = desk.invoices(2)
    make_link(desk.database, desk.tenant, LinkType.OUTSTANDING, customer=desk.customer, days=days)
    desk.take(first, LADDER[0])
    assert len(links_for_all(desk)) == open_then


def test_one_invoice_needs_none(desk: LetterDesk) -> None:
    desk.take(desk.invoice(), LADDER[0])
    assert links_for_all(desk) == []
