import re
from typing import Any

import pytest
from pydantic import ValidationError

from app.__main__ import main
from app.settings import ROOT, MissingSettingError, Settings, explain


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_usual_form_of_the_url_is_accepted(scheme: str) -> None:
    url = settings(database_url=f"{scheme}://me:secret@db:5433/shop").require_database_url()

    assert url == "postgresql+asyncpg://me:secret@db:5433/shop"


def test_ssl_mode_is_said_as_asyncpg_says_it() -> None:
    given = "postgres://me@db/shop?sslmode=require&channel_binding=require"

    assert settings(database_url=given).require_database_url().endswith("/shop?ssl=require")


def test_an_option_that_asyncpg_does_not_know_is_named() -> None:
    with pytest.raises(ValidationError, match="does not know: connect_timeout"):
        settings(database_url="postgres://me@db/shop?connect_timeout=3")


@pytest.mark.parametrize("url", ["mysql://me:hunter2@db/shop", "hunter2", "http://hunter2"])
def test_another_database_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(database_url=url)

    assert "DATABASE_URL: " in explain(caught.value)
    assert "hunter2" not in explain(caught.value) + str(caught.value)


def test_a_password_is_never_printed() -> None:
    given = settings(database_url="postgresql://me:hunter2@db/shop")

    assert "hunter2" not in repr(given) + str(given)


def test_a_missing_url_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(MissingSettingError, match="DATABASE_URL is not set: set it to postgresql:"):
        settings().require_database_url()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")

    assert settings().port == 9000


@pytest.mark.parametrize(
    ("environment", "log_format", "is_json"),
    [
        ("development", None, False),
        ("production", None, True),
        ("development", "json", True),
        ("production", "console", False),
    ],
)
def test_logs_are_for_people_in_development_unless_told_otherwise(
    environment: str, log_format: str | None, is_json: bool
) -> None:
    assert settings(environment=environment, log_format=log_format).logs_json is is_json


PRODUCTION = {"environment": "production"}


@pytest.mark.parametrize(
    "given",
    ["me:changethis", "me:CHANGEME", "me:hunter2", "orders-app:orders-app", "me:orders-db", "me:"],
)
@pytest.mark.parametrize("name", ["database_url", "database_read_url"])
def test_production_refuses_a_weak_password_in_one_line_without_it(name: str, given: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**PRODUCTION, **{name: f"postgresql://{given}@db/orders-db"})

    (line,) = explain(caught.value).splitlines()
    assert line.startswith(f"{name.upper()}: its password is ")
    assert (given.partition(":")[2] or "nothing") not in line + str(caught.value)


def test_production_refuses_the_password_of_the_example() -> None:
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    (example,) = re.findall(r"POSTGRES_PASSWORD: (\S+)", compose)

    with pytest.raises(ValidationError, match="its password is"):
        settings(**PRODUCTION, database_url=f"postgresql://me:{example}@db/shop")


@pytest.mark.parametrize("given", ["me:3f9c2d0a8b7e4f61", "me"])
def test_production_takes_a_password_of_its_own_or_another_proof(given: str) -> None:
    url = f"postgresql://{given}@db/shop"

    assert settings(**PRODUCTION, database_url=url).require_database_url()
    assert settings(database_url="postgresql://me:secret@db/shop").require_database_url()


def test_production_has_to_name_its_hosts() -> None:
    with pytest.raises(MissingSettingError, match="ALLOWED_HOSTS is not set: name the hosts"):
        settings(**PRODUCTION).require_allowed_hosts()

    assert settings().require_allowed_hosts() == ("*",)


def test_a_list_is_written_with_spaces_or_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, b.example  c.example")

    assert settings().allowed_hosts == ("a.example", "b.example", "c.example")


def test_the_example_names_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert example.keys() == {name.upper() for name in Settings.model_fields}
    assert Settings(_env_file=ROOT / ".env.example") == Settings.model_construct()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATABASE_URL": "postgresql://me:changeme@db/shop"}, "DATABASE_URL: its password is"),
        ({"DATABASE_URL": "postgresql://db/shop", "ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
        ({"DATABASE_URL": "postgresql://db/shop", "PORT": "changeme"}, "PORT: Input should be"),
    ],
)
def test_a_start_that_is_refused_is_one_line_without_the_value(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in {"ENVIRONMENT": "production", **variables}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as refused:
        main()

    line = str(refused.value)
    assert line.startswith(said)
    assert "\n" not in line
    assert "changeme" not in line


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("database_statement_timeout", "database_lock_timeout"),
        ("database_command_timeout", "database_statement_timeout"),
        ("request_timeout", "database_command_timeout"),
    ],
)
def test_deadlines_that_would_come_in_the_wrong_order_are_refused_in_one_line(
    outer: str, inner: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**{outer: getattr(settings(), inner)})

    said = explain(caught.value)
    assert said.startswith(f"{outer.upper()} is ")
    assert f"set it to more than {inner.upper()}" in said
    assert "\n" not in said


def test_a_statement_without_a_limit_is_no_wrong_order() -> None:
    assert settings(database_statement_timeout=None).database_statement_timeout is None
