"""The only reader of the environment. Names are those that users have already (requirements section 7)."""

from pathlib import Path

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import InvalidInputError
from mail.mailer import Security, SmtpSettings


class Settings(BaseSettings):
    """What an installation is told from outside; a `.env` file in the working folder is read too.

    The gateways' names configure the first tenant; further tenants keep their own, encrypted, in the database.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    database_url: str = "postgresql+psycopg://dunlin@127.0.0.1:5432/dunlin"
    database_connections: int = 20
    # Fernet keys, comma separated, newest first; made with `python -m manage secret-key`.
    dunlin_secret_key: SecretStr = SecretStr("")
    app_url: str = "http://127.0.0.1:8000"

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_ui_url: str = "http://127.0.0.1:8233"

    paynow_api_url: str = "https://www.paynow.co.zw"
    paynow_integration_id: str = ""
    paynow_integration_key: SecretStr = SecretStr("")
    paynow_test_integration_id: str = ""
    paynow_test_integration_key: SecretStr = SecretStr("")
    # Paynow has no currency field: the integration decides it. Empty means the first tenant's own.
    paynow_currency: str = ""
    paynow_result_url: str = ""
    paynow_return_url: str = ""

    yoco_api_url: str = "https://payments.yoco.com/api"
    yoco_secret_key: SecretStr = SecretStr("")
    yoco_public_key: str = ""
    # One, or several with spaces between them while an old one is being replaced.
    yoco_webhook_secret: SecretStr = SecretStr("")

    # The sandbox is https://sandbox.payfast.co.za, with the same API.
    payfast_url: str = "https://www.payfast.co.za"
    payfast_api_url: str = "https://api.payfast.co.za"
    payfast_merchant_id: str = ""
    payfast_merchant_key: SecretStr = SecretStr("")
    payfast_passphrase: SecretStr = SecretStr("")
    # Where PayFast's notifications may come from, as it documents it: networks and host names, comma separated.
    payfast_sources: str = (
        "www.payfast.co.za,sandbox.payfast.co.za,w1w.payfast.co.za,w2w.payfast.co.za,"
        "197.97.145.144/28,41.74.179.192/27,102.216.36.0/28,102.216.36.128/28,144.126.193.139"
    )

    ozow_api_url: str = "https://api.ozow.com"
    ozow_site_code: str = ""
    ozow_private_key: SecretStr = SecretStr("")
    ozow_api_key: SecretStr = SecretStr("")
    ozow_is_test: bool = False

    # Our own proxies (addresses or networks, comma separated), whose word about where a request comes from is believed.
    trusted_proxies: str = ""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_secure: bool = False
    smtp_user: str = ""
    smtp_pass: SecretStr = SecretStr("")
    email_from: str = ""
    # Who is told when a gateway does not answer, and when it does again; empty: the log has to do.
    operations_email: str = ""

    log_level: str = "INFO"
    metrics_port: int = 0
    # Written when a worker polls its queues; for whoever waits for it.
    dunlin_ready_file: Path | None = None

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, url: str) -> str:
        """Take the plain `postgresql://` that hosting providers hand out, too."""
        for plain in ("postgresql://", "postgres://"):
            if url.startswith(plain):
                return "postgresql+psycopg://" + url.removeprefix(plain)
        return url

    @field_validator(
        "app_url", "paynow_api_url", "yoco_api_url", "payfast_url", "payfast_api_url", "ozow_api_url", "temporal_ui_url"
    )
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def trusted_proxy_list(self) -> list[str]:
        """`TRUSTED_PROXIES` as a list; empty: no header is believed about where a request comes from."""
        return [part.strip() for part in self.trusted_proxies.split(",") if part.strip()]

    @property
    def secret_keys(self) -> list[str]:
        """Raises: InvalidInputError: DUNLIN_SECRET_KEY is not set."""
        keys = [key.strip() for key in self.dunlin_secret_key.get_secret_value().split(",") if key.strip()]
        if not keys:
            raise InvalidInputError(
                "DUNLIN_SECRET_KEY", "it is not set; make a key with `python -m manage secret-key` and keep it safe."
            )
        return keys

    @property
    def smtp(self) -> SmtpSettings:
        """`SMTP_SECURE=true` is implicit TLS; false is STARTTLS where the server offers it."""
        return SmtpSettings(
            host=self.smtp_host,
            port=self.smtp_port,
            security=Security.TLS if self.smtp_secure else Security.STARTTLS,
            user=self.smtp_user or None,
            password=self.smtp_pass.get_secret_value() or None,
        )

    @property
    def paynow_credentials(self) -> dict[str, str] | None:
        """The first tenant's integration: the live one, else the test one, else None."""
        pairs = (
            (self.paynow_integration_id, self.paynow_integration_key),
            (self.paynow_test_integration_id, self.paynow_test_integration_key),
        )
        for identity, key in pairs:
            if identity and key.get_secret_value():
                return {"integration_id": identity, "integration_key": key.get_secret_value()}
        return None

    @property
    def yoco_credentials(self) -> dict[str, str] | None:
        """The first tenant's keys at Yoco; None while there is no secret key."""
        key, webhook = self.yoco_secret_key.get_secret_value(), self.yoco_webhook_secret.get_secret_value()
        return {"secret_key": key, "webhook_secret": webhook} if key else None

    @property
    def payfast_credentials(self) -> dict[str, str] | None:
        """The first tenant's account at PayFast; None while merchant id or key is missing."""
        key = self.payfast_merchant_key.get_secret_value()
        if not (self.payfast_merchant_id and key):
            return None
        passphrase = self.payfast_passphrase.get_secret_value()
        return {"merchant_id": self.payfast_merchant_id, "merchant_key": key, "passphrase": passphrase}

    @property
    def ozow_credentials(self) -> dict[str, str] | None:
        """The first tenant's site at Ozow; None while one of its three parts is missing."""
        private, api = self.ozow_private_key.get_secret_value(), self.ozow_api_key.get_secret_value()
        if not (self.ozow_site_code and private and api):
            return None
        is_test = str(self.ozow_is_test).lower()
        return {"site_code": self.ozow_site_code, "private_key": private, "api_key": api, "is_test": is_test}

    def payment_page(self, payment_token: str) -> str:
        """The address of the page on which an invoice is seen and paid."""
        return f"{self.app_url}/pay/{payment_token}"
