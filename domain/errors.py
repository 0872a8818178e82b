"""The errors that rules raise. Each reads as a sentence and carries the ids needed to act.

How an error is retried is decided in `activities/failures.py`; how it is told over HTTP in `api/problems.py`.
"""


class DunlinError(Exception):
    """Base of every error that Dunlin raises on purpose; its text is fit to be shown to staff."""


class InvalidInputError(DunlinError):
    """Somebody handed in something that breaks a rule: names the field and the way out."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotFoundError(DunlinError):
    """Nothing of this kind has this id, or it belongs to another tenant (which must look the same)."""

    def __init__(self, kind: str, identity: str) -> None:
        super().__init__(f"There is no {kind} {identity}.")
        self.kind = kind
        self.identity = identity


class ConflictError(DunlinError):
    """What is asked for is at odds with the present state; asking again will not help."""


class CannotBillError(DunlinError):
    """One customer cannot be billed: the run parks the customer with this reason and goes on."""


class InvariantError(DunlinError):
    """A rule that money depends on would be broken. Nothing was changed; a person must look."""
