"""Local days in requests: only as people write them, for a number or an instant is a day in some zone that nobody named."""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _read(said: object) -> object:
    if not isinstance(said, str) or _DAY.fullmatch(said) is None:
        raise PydanticCustomError("day", "write a day as year, month and day, such as 2026-12-15")
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise PydanticCustomError("no_such_day", "there is no such day in the calendar") from None


Day = Annotated[date, BeforeValidator(_read)]
