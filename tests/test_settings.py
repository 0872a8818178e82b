"""Settings: every name that users already have is read, secrets do not show, and what is missing names itself."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.errors import InvalidInputError
from mail.mailer import Security
from settings import Settings

# Requirements section 7, each with a value that no default has.
NAMES = {
    "PAYNOW_INTEGRATION_ID": "1201",
    "PAYNOW_INTEGRATION_KEY": "live-key",
    "PAYNOW_RESULT_URL": "https://dunlin.example/result",
    "PAYNOW_RETURN_URL": "https://dunlin.example/return",
    "PAYNOW_TEST_INTEGRATION_ID": "1202",
    "PAYNOW_TEST_INTEGRATION_KEY": "test-key",
    "YOCO_API_URL": "https://yoco.example/api",
    "YOCO_SECRET_KEY": "sk_live_1",
    "YOCO_PUBLIC_KEY": "pk_live_1",
    "YOCO_WEBHOOK_SECRET": "whsec_1",
    "SMTP_HOST": "smtp.example",
    "SMTP_PORT": "465",
    "SMTP_SECURE": "true",
    "SMTP_USER": "dunlin",
    "SMTP_PASS": "mail-password",
    "EMAIL_FROM": "billing@dunlin.example",
    "APP_URL": "https://dunlin.example",
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings()


def plain(value: object) -> str:
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_that_users_have_is_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = plain(getattr(Settings(), name.lower()))
    assert before != NAMES[name]
    assert plain(getattr(read(monkeypatch, **{name: NAMES[name]}), name.lower())) == NAMES[name]


def test_names_are_read_from_a_file_in_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SMTP_HOST=smtp.example\nSOMETHING_ELSE=1\n")
    assert Settings().smtp_host == "smtp.example"


def test_no_secret_shows_when_the_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = repr(read(monkeypatch, **NAMES, DUNLIN_SECRET_KEY="our-key"))
    for secret in ("live-key", "test-key", "sk_live_1", "whsec_1", "mail-password", "our-key"):
        assert secret not in printed


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_the_url_that_hosting_providers_hand_out_is_taken(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    settings = read(monkeypatch, DATABASE_URL=f"{scheme}://dunlin:pw@db.example:5432/dunlin?sslmode=require")
    assert settings.database_url == "postgresql+psycopg://dunlin:pw@db.example:5432/dunlin?sslmode=require"


def test_a_slash_at_the_end_of_an_address_does_not_double(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, APP_URL="https://dunlin.example/", PAYNOW_API_URL="https://paynow.example/")
    assert settings.payment_page("tok_1") == "https://dunlin.example/pay/tok_1"
    assert settings.paynow_api_url == "https://paynow.example"


def test_the_secret_key_that_is_missing_names_itself_and_the_way_out() -> None:
    with pytest.raises(InvalidInputError, match="python -m manage secret-key") as refused:
        Settings().secret_keys  # noqa: B018 - reading it is what raises
    assert refused.value.field == "DUNLIN_SECRET_KEY"


def test_several_keys_are_read_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, DUNLIN_SECRET_KEY="new, old,").secret_keys == ["new", "old"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", Security.TLS), ("false", Security.STARTTLS), ("1", Security.TLS), ("0", Security.STARTTLS)],
)
def test_secure_is_implicit_tls_and_else_starttls(monkeypatch: pytest.MonkeyPatch, written: str, meant: Security) -> None:
    assert read(monkeypatch, SMTP_SECURE=written).smtp.security is meant


def test_a_mail_server_without_log_in_is_asked_without(monkeypatch: pytest.MonkeyPatch) -> None:
    smtp = read(monkeypatch, SMTP_HOST="smtp.example", SMTP_USER="", SMTP_PASS="").smtp
    assert (smtp.host, smtp.port, smtp.user, smtp.password) == ("smtp.example", 1025, None, None)


def test_a_user_without_a_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match="SMTP_PASS"):
        read(monkeypatch, SMTP_USER="dunlin").smtp  # noqa: B018 - reading it is what raises


LIVE = {"PAYNOW_INTEGRATION_ID": "1201", "PAYNOW_INTEGRATION_KEY": "live-key"}
TEST = {"PAYNOW_TEST_INTEGRATION_ID": "1202", "PAYNOW_TEST_INTEGRATION_KEY": "test-key"}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, None),
        (LIVE, "1201"),
        (TEST, "1202"),
        (LIVE | TEST, "1201"),
        ({"PAYNOW_INTEGRATION_ID": "1201"}, None),
        ({"PAYNOW_INTEGRATION_KEY": "live-key"} | TEST, "1202"),
    ],
)
def test_the_live_integration_goes_before_the_test_one_and_half_of_one_counts_for_none(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], taken: str | None
) -> None:
    credentials = read(monkeypatch, **given).paynow_credentials
    assert (credentials["integration_id"] if credentials else None) == taken
