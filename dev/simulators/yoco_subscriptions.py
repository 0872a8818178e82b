"""Webhook subscriptions: five an account at most, each with a secret that is shown once."""

from urllib.parse import urlsplit

from dev.simulators.yoco_book import MOST_SUBSCRIPTIONS, Account, Book, Config, Subscription
from dev.simulators.yoco_desk import read_object
from dev.simulators.yoco_wire import RefusedError, Reply, new_id, new_secret


class Subscriptions:
    """The subscriptions of all accounts, with those that the configuration names."""

    def __init__(self, config: Config, book: Book) -> None:
        self._book = book
        for account in config.accounts:
            self._take_up(account)

    def register(self, account: Account, body: bytes) -> Reply:
        asked = read_object(body)
        name, url = asked.get("name"), asked.get("url")
        if not isinstance(name, str) or not name.strip():
            raise RefusedError(400, "invalid_name", "name must be text.")
        if not isinstance(url, str) or not _is_web_address(url):
            raise RefusedError(400, "invalid_url", "url must be a web address.")
        if len(self._of(account)) >= MOST_SUBSCRIPTIONS:
            raise RefusedError(400, "too_many_webhooks", f"At most {MOST_SUBSCRIPTIONS} webhooks can be registered.")
        made = Subscription(new_id("sub"), account.merchant_id, name, url, account.mode, new_secret())
        self._book.subscriptions.append(made)
        self._book.save()
        return Reply(200, {**made.shown(), "secret": made.secret})

    def listed(self, account: Account) -> Reply:
        return Reply(200, {"subscriptions": [subscription.shown() for subscription in self._of(account)]})

    def delete(self, account: Account, subscription_id: str) -> Reply:
        found = next((one for one in self._of(account) if one.id == subscription_id), None)
        if found is None:
            raise RefusedError(404, "not_found", "There is no such webhook.")
        self._book.subscriptions.remove(found)
        self._book.save()
        return Reply(200, {"message": "Webhook deleted."})

    def _of(self, account: Account) -> list[Subscription]:
        return [one for one in self._book.subscriptions if (one.merchant_id, one.mode) == (account.merchant_id, account.mode)]

    def _take_up(self, account: Account) -> None:
        """Subscribe what the configuration names, as it is named now."""
        configured = f"sub_{account.merchant_id[:24]}"
        self._book.subscriptions = [one for one in self._book.subscriptions if one.id != configured]
        if account.webhook_url:
            made = Subscription(
                configured, account.merchant_id, "configured", account.webhook_url, account.mode, account.webhook_secret
            )
            self._book.subscriptions.append(made)


def _is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return False
