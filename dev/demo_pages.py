"""What a payer's browser does on the gateways' own pages, as far as the demo needs it: fill in the form, press the button."""

from html.parser import HTMLParser

import httpx

GOOD_CARD = {"number": "4111 1111 1111 1111", "expiry": "12/39", "cvc": "123"}
DECLINED_CARD = GOOD_CARD | {"number": "4000 0000 0000 0002"}


async def pay_on_page(browser: httpx.AsyncClient, method: str, address: str) -> None:
    """Pay at `address`, where a checkout by `method` sent the payer; only pages that our API named are opened."""
    if method == "YOCO":
        await _press(browser, address, DECLINED_CARD)
        await _press(browser, address, GOOD_CARD)
    elif method == "PAYFAST":
        form = _Form()
        form.feed((await browser.get(address)).raise_for_status().text)
        arrived = await browser.post(form.action, data=form.fields)
        page = str(arrived.url.join(arrived.headers["location"]))
        await _press(browser, page, {"decision": "pay", "method": "cc"})
    elif method == "OZOW":
        await _press(browser, address, {"decision": "bank", "bank": "Capitec"})
        await _press(browser, address, {"decision": "approve"})
    else:
        await _press(browser, address, {"decision": "pay"})


async def _press(browser: httpx.AsyncClient, address: str, typed: dict[str, str]) -> None:
    answer = await browser.post(address, data=typed)
    if answer.is_error:
        raise RuntimeError(f"The gateway's page {answer.request.url} answered {answer.status_code}: {answer.text[:500]}")


class _Form(HTMLParser):
    """The first form of a page: where it posts to, and its fields in order."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form" and not self.action:
            self.action = found.get("action") or ""
        if tag == "input" and found.get("name"):
            self.fields[str(found["name"])] = found.get("value") or ""
