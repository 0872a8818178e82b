"""Letters in words: facts and branding in; subject, text part and HTML part out. Nothing is read or sent here.

Each letter is a folder in `templates/` named by its `Letter`, over one base for each part. A fact that a template asks for and
does not get is an error, never a blank: a letter with a hole in it is worse than one that is retried.
"""

import re
import unicodedata
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context

from domain.letters import LETTER_OF_FACTS, Branding, Facts, PaidPart
from domain.listed_invoice import ListedInvoice
from domain.money import Money
from wording import write_day, write_days, write_money

TEMPLATES = Path(__file__).parent / "templates"

# Above this brightness (0 to 255) white text is hard to read.
_BRIGHT = 150

# Zero-width joiners stay (emoji need them) and so do plain direction marks; overrides and isolates can turn round the text
# that follows them, such as an amount.
_DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")

_Told = TypeVar("_Told", Facts, Branding)


@dataclass(frozen=True, slots=True)
class RenderedLetter:
    """One letter, ready to send; `subject` is a single line, and either part says everything on its own."""

    subject: str
    text: str
    html: str


def render(facts: Facts, branding: Branding) -> RenderedLetter:
    """Write the letter that `facts` call for.

    Raises:
        InvalidInputError: the branding's locale is not one that exists.
        jinja2.UndefinedError: a template asks for a fact that is not there.
    """
    context = _context(facts, branding)
    folder = LETTER_OF_FACTS[type(facts)].value
    subject = one_line(_fill(f"{folder}/subject.txt", context))
    return RenderedLetter(
        subject=subject,
        text=_fill(f"{folder}/body.txt", context),
        html=_fill(f"{folder}/body.html", context | {"subject": subject}),
    )


def one_line(text: str) -> str:
    """`text` on one line and without what could harm a header or turn round the words after it.

    Names come from people and files: a line break in a subject would be another header, and in the text part a forged line.
    """
    kept = _DIRECTION_CONTROLS.sub("", text)
    return " ".join("".join(_harmless(character) for character in kept).split())


def _context(facts: Facts, branding: Branding) -> dict[str, Any]:
    """What templates may ask for: each fact by its name, and the branding."""
    told, brand = _cleaned(facts), _cleaned(branding)
    context = {field.name: getattr(told, field.name) for field in fields(told)}
    return context | {"branding": brand, "ink_on_colour": _ink_on(brand.colour)}


def _cleaned(record: _Told) -> _Told:
    return replace(record, **{field.name: _clean(getattr(record, field.name)) for field in fields(record)})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, PaidPart | ListedInvoice):
        return replace(value, invoice_number=one_line(value.invoice_number))
    return tuple(_clean(item) for item in value) if isinstance(value, tuple) else value


def _harmless(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":  # half of a surrogate pair cannot be encoded at all
        return "\N{REPLACEMENT CHARACTER}"
    return " " if category in {"Cc", "Zl", "Zp"} else character


def _fill(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(template).render(context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"money": _money, "day": _day, "days": write_days, "lateness": _lateness})
    return environment


@pass_context
def _money(context: Context, amount: Money) -> str:
    return write_money(amount, context["branding"].locale)


@pass_context
def _day(context: Context, day: date) -> str:
    # An absent fact raises UndefinedError at `toordinal`; Babel would only assert.
    return write_day(date.fromordinal(day.toordinal()), context["branding"].locale)


def _lateness(days_overdue: int) -> str:
    """How an invoice's due day lies to the letter's, as a list says it: `7 days overdue`, `today`, `in 3 days`."""
    if days_overdue > 0:
        return f"{write_days(days_overdue)} overdue"
    return f"in {write_days(-days_overdue)}" if days_overdue else "today"


def _ink_on(colour: str) -> str:
    """Near-black or white, whichever reads better on `colour`: a tenant may choose yellow (perceived brightness, 0 to 255)."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    brightness = (299 * red + 587 * green + 114 * blue) // 1000
    return "#111827" if brightness > _BRIGHT else "#ffffff"
