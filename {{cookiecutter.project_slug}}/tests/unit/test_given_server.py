from typing import Any

import pytest

from tests.harness.given_server import RefusedError, check_allowed, parse
from tests.harness.servers import CONNECTIONS, OLDEST, why_not

SUITABLE = {
    "database": "postgres",
    "role": "me",
    "version": OLDEST,
    "is_read_only": False,
    "may_create": True,
    "free": CONNECTIONS,
}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", ""])
def test_this_machine_is_allowed(host: str) -> None:
    check_allowed(parse(f"postgresql://me:hunter2@{host}/postgres"), allowed_host=None)


def test_a_socket_is_allowed() -> None:
    check_allowed(parse("postgresql://me@/postgres?host=/run/postgresql"), allowed_host=None)


@pytest.mark.parametrize(
    "place",
    [
        "me:hunter2@db.example.org/postgres",
        "me:hunter2@10.0.0.1/postgres",
        "me:hunter2@localhost.example.org/postgres",
        "me:hunter2@[::2]/postgres",
        "me:hunter2@/postgres?host=db.example.org",
    ],
)
def test_another_machine_is_refused_and_the_way_out_named(place: str) -> None:
    with pytest.raises(RefusedError, match="set TEST_DATABASE_ALLOW_HOST=") as caught:
        check_allowed(parse(f"postgresql://{place}"), allowed_host=None)

    assert "hunter2" not in str(caught.value)


def test_another_machine_is_allowed_by_its_name_only() -> None:
    url = parse("postgresql://me@postgres/postgres")

    check_allowed(url, allowed_host="postgres")
    with pytest.raises(RefusedError):
        check_allowed(url, allowed_host="postgres2")


@pytest.mark.parametrize("database", ["", "postgres", "test", "orders_test"])
def test_a_database_that_holds_no_data_is_allowed(database: str) -> None:
    check_allowed(parse(f"postgresql://localhost/{database}"), allowed_host=None)


@pytest.mark.parametrize("database", ["production", "orders", "latest_orders"])
def test_a_database_that_may_hold_data_is_refused(database: str) -> None:
    with pytest.raises(RefusedError, match=f"names the database {database}"):
        check_allowed(parse(f"postgresql://localhost/{database}"), allowed_host=None)


@pytest.mark.parametrize(
    "option",
    [
        *("host=/run", "database=production", "port=1", "dsn=x", "service=live", "user=admin"),
        *("host=/run,db.example.org", "host=localhost&host=db.example.org"),
    ],
)
def test_an_option_that_leads_elsewhere_is_refused(option: str) -> None:
    with pytest.raises(RefusedError, match=r"^TEST_DATABASE_URL"):
        parse(f"postgresql://me@localhost/postgres?{option}")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PGHOST", "db.example.org"), ("PGPORT", "6543"), ("PGDATABASE", "production")],
)
def test_no_variable_of_libpq_completes_the_url(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    url = parse("postgresql://")

    assert (url.port, url.database) == (5432, "postgres")
    check_allowed(url, allowed_host=None)


def test_a_server_that_offers_what_tests_need_is_used() -> None:
    assert why_not(SUITABLE, parse("postgresql://localhost")) is None


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"database": "production"}, "it leads to the database production."),
        ({"version": OLDEST - 1}, "PostgreSQL 14, and tests need 15 or newer"),
        ({"is_read_only": True}, "it is read-only."),
        ({"may_create": False}, 'Run ALTER ROLE "me" CREATEDB.'),
        ({"free": 7}, "7 connections are free, and tests need"),
    ],
)
def test_what_a_server_lacks_is_said_with_the_next_command(
    facts: dict[str, Any], said: str
) -> None:
    assert said in str(why_not(SUITABLE | facts, parse("postgresql://localhost")))
