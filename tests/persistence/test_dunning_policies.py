"""Policies by version: added and never changed, a customer's own before the business's, and one who comes second is told."""

from dataclasses import replace
from datetime import time

import pytest
from sqlalchemy import text

from domain.customer import Customer, Tenant
from domain.dunning_policy import DunningPolicy, default_policy
from domain.errors import ConflictError, InvariantError, NotFoundError
from persistence import audit, dunning_policies
from persistence.database import Database
from persistence.dunning_policies import StoredPolicy
from tests import factories
from tests.factories import EVERY_DAY, NOW
from tests.persistence.parallel import at_once
from tests.persistence.refusals import NO_RIGHT, refused_by, refused_with

AT_TEN = replace(default_policy(), send_at=time(10))
AT_ELEVEN = replace(default_policy(), send_at=time(11))


@pytest.fixture
def customer(database: Database, tenant: Tenant) -> Customer:
    return factories.make_customer(database, tenant)


def put(
    database: Database,
    tenant: Tenant,
    policy: DunningPolicy | None,
    customer: Customer | None = None,
    follows: int | None = None,
) -> StoredPolicy:
    with database.tenant(tenant.id) as session:
        return dunning_policies.put(
            session,
            policy,
            customer_id=customer.id if customer else None,
            follows=follows,
            note="Why not.",
            actor="Rudo",
            now=NOW,
        )


def in_force(database: Database, tenant: Tenant, customer: Customer) -> StoredPolicy:
    with database.tenant(tenant.id) as session:
        return dunning_policies.of_customer(session, customer.id)


def test_a_new_business_has_version_1_by_nobody_in_particular(database: Database, tenant: Tenant) -> None:
    with database.tenant(tenant.id) as session:
        first = dunning_policies.of_business(session)
    assert (first.version, first.customer_id, first.policy, first.note) == (1, None, EVERY_DAY, "")
    assert (first.created_by, first.created_at) == (audit.SYSTEM, NOW)


def test_a_change_is_the_next_version_and_the_one_before_stays_as_it_was(database: Database, tenant: Tenant) -> None:
    changed = put(database, tenant, AT_TEN)
    assert (changed.version, changed.policy, changed.note, changed.created_by) == (2, AT_TEN, "Why not.", "Rudo")
    with database.tenant(tenant.id) as session:
        assert dunning_policies.of_business(session) == changed
        assert dunning_policies.get(session, changed.id) == changed
        assert [found.policy for found in dunning_policies.page(session, customer_id=None, before=None, limit=9)] == [
            AT_TEN,
            EVERY_DAY,
        ]


def test_a_version_is_never_changed_in_a_business_session(database: Database, tenant: Tenant) -> None:
    with refused_with(NO_RIGHT, "dunning_policies"), database.tenant(tenant.id) as session:
        session.execute(text("UPDATE dunning_policies SET note = 'Never mind.'"))


def test_a_customers_own_policy_counts_before_the_business_until_it_is_taken_away(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    other = factories.make_customer(database, tenant)
    own = put(database, tenant, AT_TEN, customer)
    assert (own.version, own.customer_id) == (1, customer.id)
    business = put(database, tenant, AT_ELEVEN)
    assert in_force(database, tenant, customer) == own
    assert in_force(database, tenant, other) == business

    taken_away = put(database, tenant, None, customer)
    assert (taken_away.version, taken_away.policy) == (2, None)
    assert in_force(database, tenant, customer) == business

    again = put(database, tenant, AT_TEN, customer)
    assert again.version == 3
    assert in_force(database, tenant, customer) == again


def test_of_several_customers_each_gets_the_policy_that_counts_for_it(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    removed, plain = (factories.make_customer(database, tenant) for _ in range(2))
    put(database, tenant, AT_TEN, customer)
    own = put(database, tenant, AT_ELEVEN, customer)
    put(database, tenant, AT_TEN, removed)
    put(database, tenant, None, removed)
    with database.tenant(tenant.id) as session:
        business = dunning_policies.of_business(session)
        assert dunning_policies.of_customers(session, [customer.id, removed.id, plain.id]) == {
            customer.id: own,
            removed.id: business,
            plain.id: business,
        }
        assert dunning_policies.own_of(session, []) == {}


def test_a_version_that_takes_a_policy_away_is_not_one_to_chase_by(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    taken_away = put(database, tenant, None, customer)
    with pytest.raises(InvariantError, match=taken_away.id):
        _ = taken_away.in_force
    assert put(database, tenant, AT_TEN, customer).in_force == AT_TEN


def test_a_business_is_never_without_a_policy(database: Database, tenant: Tenant) -> None:
    with refused_by("ck_dunning_policies_business_has_a_policy"):
        put(database, tenant, None)


def test_versions_are_paged_newest_first_and_a_customers_are_not_the_business(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    for hour in range(1, 5):
        put(database, tenant, replace(EVERY_DAY, send_at=time(hour)))
    put(database, tenant, AT_TEN, customer)
    with database.tenant(tenant.id) as session:

        def versions(customer_id: str | None, before: int | None, limit: int) -> list[int]:
            found = dunning_policies.page(session, customer_id=customer_id, before=before, limit=limit)
            return [stored.version for stored in found]

        assert versions(None, None, 3) == [5, 4, 3]
        assert versions(None, 3, 3) == [2, 1]
        assert versions(customer.id, None, 9) == [1]


def test_who_changes_what_was_changed_meanwhile_is_told_and_nothing_is_added(database: Database, tenant: Tenant) -> None:
    put(database, tenant, AT_TEN, follows=1)
    with pytest.raises(ConflictError, match="Somebody else changed this dunning policy meanwhile"):
        put(database, tenant, AT_ELEVEN, follows=1)
    with database.tenant(tenant.id) as session:
        assert dunning_policies.of_business(session).policy == AT_TEN


def test_of_two_who_change_a_policy_at_once_one_is_told(database: Database, tenant: Tenant, customer: Customer) -> None:
    for whose, before in ((None, 1), (customer, 0)):

        def change(policy: DunningPolicy, whose: Customer | None = whose, before: int = before) -> str:
            try:
                return f"version {put(database, tenant, policy, whose, follows=before).version}"
            except ConflictError:
                return "told"

        outcomes = at_once([lambda: change(AT_TEN), lambda: change(AT_ELEVEN)])
        assert sorted(outcomes) == ["told", f"version {before + 1}"]


def test_another_business_policy_looks_as_if_there_were_none(database: Database, tenant: Tenant) -> None:
    theirs = put(database, factories.make_tenant(database), AT_TEN)
    with pytest.raises(NotFoundError, match=theirs.id), database.tenant(tenant.id) as session:
        dunning_policies.get(session, theirs.id)


def test_an_invoice_keeps_the_version_that_counted_when_it_was_issued(
    database: Database, tenant: Tenant, customer: Customer
) -> None:
    own = put(database, tenant, AT_TEN, customer)
    invoice = factories.issue_invoice(database, tenant, customer)
    put(database, tenant, AT_ELEVEN, customer)
    with database.tenant(tenant.id) as session:
        kept = session.execute(
            text("SELECT dunning_policy_id, dunning_policy FROM invoices WHERE id = :id"), {"id": invoice.id}
        ).one()
    assert (kept.dunning_policy_id, DunningPolicy.from_data(kept.dunning_policy)) == (own.id, AT_TEN)
