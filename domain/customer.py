"""Customers as billing needs to know them, and the businesses (tenants) that bill them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """A business that bills with Dunlin.

    Attributes:
        currency: what it bills in unless a plan says otherwise (ISO 4217).
        time_zone: IANA name; due days and send hours are meant in it.
        country: ISO 3166 alpha-2; its public holidays are kept.
        payment_terms_days: days from issue to due day.
        prices_include_tax: whether plan prices are gross (tax inside) or net (tax on top).
        invoice_prefix: what its invoice numbers begin with, such as `CVT-`.
    """

    id: str
    slug: str
    name: str
    currency: str
    time_zone: str
    payment_terms_days: int
    prices_include_tax: bool
    invoice_prefix: str
    sender_email: str
    contact_email: str
    country: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Who is billed. `reference` is the tenant's own number for the customer, unique within the tenant."""

    id: str
    reference: str
    name: str
    email: str | None
    phone: str | None = None
