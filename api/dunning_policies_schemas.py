"""What the API takes and gives about dunning policies. Days and hours are the business's local ones; instants are UTC."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.reasons import Note
from domain.dunning_policy import default_policy
from persistence.dunning_policies import StoredPolicy

_MOST_VERSIONS = 2**31 - 1


PolicyData = Annotated[
    dict[str, JsonValue],
    Field(
        description="The ladder and when people are written to; `docs/collections.md` explains each field.",
        examples=[default_policy().to_data()],
    ),
]
IfVersion = Annotated[
    int | None,
    Field(
        ge=0,
        le=_MOST_VERSIONS,
        strict=True,
        description="The version that you looked at; when another one counts by now, nothing is changed (409).",
    ),
]
NoteQuery = Annotated[Note, Query(description="Why, as in the body of PUT.")]
IfVersionQuery = Annotated[int | None, Query(ge=0, le=_MOST_VERSIONS, description="As in the body of PUT.")]
AfterVersion = Annotated[int | None, Query(ge=1, le=_MOST_VERSIONS, description="The `next` of the page before.")]


class PolicyRequest(BaseModel):
    """A policy that is to count from now on, for invoices that are issued later. `note` says why it changed."""

    model_config = ConfigDict(extra="forbid")

    policy: PolicyData
    note: Note = ""
    if_version: IfVersion = None


class PolicyShown(BaseModel):
    """One version of a policy; `customer_id` is null for the business's.

    `policy` is null for a customer's version that took the customer's own policy away.
    """

    id: str
    customer_id: str | None
    version: int
    policy: dict[str, Any] | None
    note: str
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, stored: StoredPolicy) -> Self:
        return cls(
            id=stored.id,
            customer_id=stored.customer_id,
            version=stored.version,
            policy=stored.policy.to_data() if stored.policy else None,
            note=stored.note,
            created_by=stored.created_by,
            created_at=stored.created_at,
        )


class CustomerPolicyShown(BaseModel):
    """By which policy a customer's new invoices are chased: the customer's own, else the business's.

    `own_version` counts the customer's own versions, also those that took a policy away; 0 when there never was one. It is
    what `if_version` is compared with.
    """

    customer_id: str
    is_own: bool
    own_version: int
    in_force: PolicyShown
