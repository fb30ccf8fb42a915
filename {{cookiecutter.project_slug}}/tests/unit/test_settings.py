import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import make_url

from app.__main__ import main
from app.setting_conflicts import CONFLICTS
from app.settings import ROOT, MissingSettingError, Settings, explain


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def refusal(**given: Any) -> str:
    """Return the one line that says why these settings are refused."""
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    (line,) = explain(caught.value).splitlines()
    return line


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_usual_form_of_the_url_is_accepted(scheme: str) -> None:
    url = settings(database_url=f"{scheme}://me:secret@db:5433/shop").require_database_url()

    assert url == "postgresql+asyncpg://me:secret@db:5433/shop"


def test_ssl_mode_is_said_as_asyncpg_says_it() -> None:
    given = "postgres://me@db/shop?sslmode=require&channel_binding=require"

    assert settings(database_url=given).require_database_url().endswith("/shop?ssl=require")


URL = "postgresql://me:secret@db/shop"


OPTIONS = {
    "connect_timeout=3": "the option connect_timeout: remove it, and set DATABASE_CONNECT_TIMEOUT",
    "statement_cache_size=0": "and set DATABASE_POOLER=transaction",
    "sslrootcert=/nowhere": "and set PGSSLROOTCERT in the environment",
    "server_settings=x": "and use ALTER ROLE",
    "nosuch=1": "an option that does not work here; those that do: gsslib, host",
    "direct_tls=false": "an option that does not work here",
    "dsn=postgresql://db": "an option that does not work here",
    "sslmode=foo": "an unknown sslmode: write one of disable, allow",
    "ssl=banana": "an unknown sslmode: write one of disable, allow",
    "sslmode=require&ssl=require": "has both sslmode and ssl: remove one",
    "sslmode=require&sslmode=require": "an unknown sslmode",
    "target_session_attrs=xyz": "an unknown target_session_attrs: write one of any, primary",
    "gsslib=xyz": "an unknown gsslib: write one of gssapi, sspi",
    "passfile=/nowhere": "has a passfile that is not there",
    "host=": "has an option without a value",
    "host=a&host=b": "write each as host=name:5432",
    "host=a%20b": "has a host that is none",
    "port=65536": "has a port that is not between 1 and 65535",
    "password=other": "names its password twice",
    "dbname=other": "names its database twice",
}


def test_an_option_that_cannot_connect_is_refused() -> None:
    said = {option: refusal(database_url=f"{URL}?{option}") for option in OPTIONS}

    assert [option for option, line in said.items() if OPTIONS[option] not in line] == []


def test_a_certificate_to_compare_with_must_be_there(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)

    assert "set PGSSLROOTCERT" in refusal(database_url=f"{URL}?sslmode=verify-full")

    monkeypatch.setenv("PGSSLROOTCERT", __file__)
    assert "set PGSSLROOTCERT" in refusal(database_url=f"{URL}?sslmode=require")


MEANT = {
    f" {URL}\n": "me:secret@db/shop",
    "postgresql://db/shop?user=me&password=p%40w": "me:p%40w@db/shop",
    "postgresql://db?dbname=shop": "db/shop",
    "postgresql://me@/shop?host=/run/pg": "me@/shop?host=%2Frun%2Fpg",
    "postgresql://me@/shop?host=a:1&host=b:2": "me@/shop?host=a%3A1&host=b%3A2",
    "postgresql://me:a/b?c#d e@db/shop": "me:a%2Fb%3Fc%23d e@db/shop",
}


def test_what_a_url_clearly_means_is_read() -> None:
    read = {url: settings(database_url=url).require_database_url() for url in MEANT}

    assert read == {url: f"postgresql+asyncpg://{meant}" for url, meant in MEANT.items()}
    assert [settings(database_url=url).require_database_url() for url in read.values()] == [
        *read.values()
    ]


REFUSED = [
    *("postgresql://me:hunter2/shop", "postgresql://me:hunter2", "postgresql:me:hunter2@db/s"),
    *("postgresql://me:a@hunter2@db/shop", "postgresql://me:a@b/hunter2@db/shop"),
    *("postgresql:///me:hunter2@db/shop", "postgresql://me%3Ahunter2@db/shop"),
    *(
        "postgresql://me:a@db?hunter2",
        "postgresql://me:a@db?hunter2=1",
        "postgresql://db:hunter2",
    ),
    *("postgresql://db/shop;password=hunter2", "postgresql://db/shop#hunter2"),
    *("postgresql://me:a@db/shop?sslmode=hunter2", "postgresql://me:a@hunter2 /shop"),
    *("postgresql://me:hunter2%ff@db/shop", "postgresql://me:hunter2%00@db", "hunter2\udcff"),
    *("postgresql://me:/hunter2/shop", "postgresql://me:1/hunter2/shop"),
    *("postgresql://db:1/shop?password=a@hunter2", "postgresql://db/s?password=a&password=hunter2"),
]


def test_no_part_of_a_refused_url_is_repeated() -> None:
    said = {}
    for url in REFUSED:
        with pytest.raises(ValidationError) as caught:
            settings(database_url=url)
        trace = "".join(traceback.format_exception(caught.value))
        said[url] = explain(caught.value) + repr(caught.value) + trace

    assert [url for url, text in said.items() if "hunter2" in text] == []


@pytest.mark.parametrize("url", ["mysql://me:hunter2@db/shop", "hunter2", "http://hunter2"])
def test_another_database_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(database_url=url)

    assert "DATABASE_URL: " in explain(caught.value)
    assert "hunter2" not in explain(caught.value) + str(caught.value)


def test_a_password_is_never_printed() -> None:
    for url in ("postgresql://me:hunter2@db/shop", "postgresql://me@db/shop?password=hunter2"):
        given = settings(database_url=url)

        assert "hunter2" not in repr(given) + str(given) + str(given.model_dump())
        assert "hunter2" not in repr(make_url(given.require_database_url()))


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


CLEAR = [
    ("ALLOWED_HOSTS", '["a.example", "b.example"]', ("a.example", "b.example")),
    ("ALLOWED_HOSTS", "a.example,,A.Example.", ("a.example",)),
    ("ALLOWED_HOSTS", "bücher.example *.B.example", ("xn--bcher-kva.example", "*.b.example")),
    ("ALLOWED_HOSTS", "[::1] ::2 10.0.0.1", ("[::1]", "[::2]", "10.0.0.1")),
    ("ALLOWED_HOSTS", "*", ("*",)),
    ("CORS_ORIGINS", "https://A.example/ https://a.example:443", ("https://a.example",)),
    ("CORS_ORIGINS", "http://[::1]:80 http://b:81/", ("http://[::1]", "http://b:81")),
    ("CORS_ORIGINS", "https://bücher.example", ("https://xn--bcher-kva.example",)),
    ("CORS_ORIGINS", '["*"]', ("*",)),
    ("CORS_ORIGINS", "capacitor://localhost", ("capacitor://localhost",)),
    ("LOG_LEVEL", "info", "INFO"),
    ("ENVIRONMENT", "Production", "production"),
    ("LOG_FORMAT", "JSON ", "json"),
    ("HOST", "[::]", "::"),
    ("DOCS", "no", False),
    ("DATABASE_LOCK_TIMEOUT", "0.001", 0.001),
]


def test_what_is_clearly_meant_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    for name, written, _ in CLEAR:
        with monkeypatch.context() as environment:
            # Where the locale has no such letters, the environment cannot hold them.
            given = {} if written.isascii() else {name.lower(): written}
            environment.setenv(name, written if written.isascii() else "")
            read.append(getattr(settings(**given), name.lower()))

    assert read == [meant for _, _, meant in CLEAR]


HOST = "must be a host alone, such as api.example.org"
ORIGIN = "must be a scheme and a host, such as https://shop.example.org"


UNUSABLE = [
    ("ALLOWED_HOSTS", "https://a.example", HOST),
    ("ALLOWED_HOSTS", "b.example a.example:8000", HOST),
    ("ALLOWED_HOSTS", "a.example/shop", HOST),
    ("ALLOWED_HOSTS", "a.*.example", HOST),
    ("ALLOWED_HOSTS", "*a.example", HOST),
    ("ALLOWED_HOSTS", "*.", HOST),
    ("ALLOWED_HOSTS", "['a.example']", HOST),
    ("ALLOWED_HOSTS", "straße.example", HOST),
    ("ALLOWED_HOSTS", "* a.example", "a * includes all others"),
    ("CORS_ORIGINS", "a.example", ORIGIN),
    ("CORS_ORIGINS", "https://a.example/shop", ORIGIN),
    ("CORS_ORIGINS", "https://a.example?b", ORIGIN),
    ("CORS_ORIGINS", "https://*.example", ORIGIN),
    ("CORS_ORIGINS", "https://me:hunter2@a.example", ORIGIN),
    ("CORS_ORIGINS", "htps://a.example", ORIGIN),
    ("CORS_ORIGINS", "http://a.example:65536", ORIGIN),
    ("CORS_ORIGINS", "null", ORIGIN),
    ("HOST", "http://localhost", "must be an address of this machine"),
    ("HOST", "0.0.0.0:8000", "must be an address of this machine"),
    ("PORT", "70000", "less than or equal to 65535"),
    ("DOCS", "yep", "must be true or false"),
    ("LOG_LEVEL", "verbose", "should be 'DEBUG', 'INFO'"),
    ("SHUTDOWN_GRACE", "20.5", "a valid integer"),
    ("DATABASE_POOL_SIZE", "0", "greater than or equal to 1"),
    ("DATABASE_POOL_SIZE", "1000000", "less than or equal to 262143"),
]


@pytest.mark.parametrize("name", sorted({name for name, _, _ in UNUSABLE}))
def test_a_value_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for written, said in [(written, said) for given, written, said in UNUSABLE if given == name]:
        given = {} if written.isascii() else {name.lower(): written}
        monkeypatch.setenv(name, written if written.isascii() else "")

        line = refusal(**given)

        assert (line.partition(": ")[0], said in line) == (name, True), written
        assert written not in line.replace("*.example.org", "")


SECONDS = [
    name for name, field in Settings.model_fields.items() if "float" in repr(field.annotation)
]


@pytest.mark.parametrize("name", [*SECONDS, "shutdown_grace"])
def test_seconds_that_cannot_be_counted_are_refused(name: str) -> None:
    for written in ("nan", "inf", "-1", "2147484", "soon"):
        assert refusal(**{name: written}).startswith(f"{name.upper()}: ")
    if name not in {"shutdown_drain", "database_idle_trust", "shutdown_grace"}:
        # It would be rounded to 0 ms, and that is no limit.
        assert "greater than or equal to 0.001" in refusal(**{name: "0.0004"})


def test_the_docs_name_every_setting() -> None:
    guide = (ROOT / "docs/operating.md").read_text("utf-8")

    assert [name for name in Settings.model_fields if f"`{name.upper()}`" not in guide] == []


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
        ("shutdown_grace", "request_timeout"),
    ],
)
def test_deadlines_that_would_come_in_the_wrong_order_are_refused_in_one_line(
    outer: str, inner: str
) -> None:
    line = refusal(**{outer: getattr(settings(), inner)})

    assert line.startswith(f"{outer.upper()} is ")
    assert f"set it to more than {inner.upper()}" in line


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"database_lock_timeout": 11.0}, "DATABASE_STATEMENT_TIMEOUT is 10 s: set it to more than"),
    (
        {"database_statement_timeout": None, "database_lock_timeout": 12.0},
        "DATABASE_COMMAND_TIMEOUT is 12 s: set it to more than DATABASE_LOCK_TIMEOUT",
    ),
    ({"database_command_timeout": 10.0}, "DATABASE_COMMAND_TIMEOUT is 10 s: set it to more than"),
    ({"database_command_timeout": 15.0}, "REQUEST_TIMEOUT is 15 s: set it to more than DATABASE_C"),
    ({"database_pool_timeout": 15.0}, "REQUEST_TIMEOUT is 15 s: set it to more than DATABASE_POOL"),
    (
        {"database_connect_timeout": 15.0},
        "REQUEST_TIMEOUT is 15 s: set it to more than DATABASE_CO",
    ),
    ({"shutdown_grace": 15}, "SHUTDOWN_GRACE is 15 s: set it to more than REQUEST_TIMEOUT"),
    (
        {**PRODUCTION, "database_url": SecretStr("postgresql+asyncpg://me:short@db/shop")},
        "DATABASE_URL: its password is short",
    ),
    (
        {**PRODUCTION, "database_read_url": SecretStr("postgresql+asyncpg://me:short@db/shop")},
        "DATABASE_READ_URL: its password is short",
    ),
    ({**PRODUCTION, "port": 0}, "PORT is 0, which is another port at each start: set one"),
    (
        {
            "database_url": SecretStr(
                "postgresql+asyncpg://me@/shop?host=a%3A1&host=b%3A1&target_session_attrs=standby"
            )
        },
        "DATABASE_URL: its target_session_attrs accepts only a replica",
    ),
]


@pytest.mark.parametrize(("given", "said"), CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], said: str) -> None:
    assert refusal(**given).startswith(said)


def test_every_conflict_has_an_example() -> None:
    fired = [
        [number for number, conflict in enumerate(CONFLICTS) if conflict(example)]
        for given, _ in CONTRADICTIONS
        if (example := Settings.model_construct(**given))
    ]

    assert fired == [[number] for number in range(len(CONFLICTS))]


def test_a_statement_without_a_limit_is_no_wrong_order() -> None:
    assert settings(database_statement_timeout=None).database_statement_timeout is None
